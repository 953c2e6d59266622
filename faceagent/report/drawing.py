"""What a report shows of a photo: a thumbnail, the photo with its findings marked, and its faces.

Everything is drawn anew from decoded pixels and saved as JPEG without metadata, so nothing of the file itself, such as
a location in its EXIF, travels along in the report.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image, ImageDraw, ImageFont

from faceagent.errors import FaceAgentError
from faceagent.media import Photo
from faceagent.types import Box, Evidence, ExhibitReport

LONG_SIDE = 1000
# Beyond this many exhibits a self-contained page would grow too heavy to open: smaller pictures from there on.
FULL_SIZE_EXHIBITS = 100
LONG_SIDE_OF_MANY = 640
THUMBNAIL_SIDE = 320
FACE_SIDE = 128
_QUALITY = 85
_GAP = 2.0
"""Large photos are first reduced by a whole factor to twice the size wanted: four times as fast, and looks the same."""
_INK, _PAPER, _MARK = (17, 17, 17), (255, 255, 255), (255, 196, 0)
_WHOLE = 0.9


Corners = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


@dataclass(frozen=True)
class Shown:
    """A picture that evidence refers to. of: the attribute that it shows, or "photo" for the photo beside it. caption:
    instead of the attribute's name."""

    of: str
    jpeg: bytes
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """JPEG bytes of one exhibit.

    faces: a crop by face id. shown: pictures that evidence refers to (`details["picture"]`).
    marked: how many regions of findings are marked in `annotated`.
    """

    thumbnail: bytes
    annotated: bytes
    width: int
    height: int
    faces: Mapping[str, bytes] = field(default_factory=dict)
    shown: tuple[Shown, ...] = ()
    marked: int = 0


def draw(photo: Photo, exhibit: ExhibitReport, shown: Sequence[Shown] = (), *, number: int) -> Pictures:
    """All pictures of one exhibit.

    Args:
        shown: pictures that its evidence refers to.
        number: how many exhibits the report has so far, this one included.
    """
    image = Image.fromarray(photo.pixels)
    side = LONG_SIDE if number <= FULL_SIZE_EXHIBITS else LONG_SIDE_OF_MANY
    scaled = _shrunk(image, side)
    regions = marked_regions(exhibit)
    annotated = _annotated(scaled, scaled.width / image.width, exhibit, regions)
    return Pictures(
        thumbnail=_jpeg(_shrunk(scaled, THUMBNAIL_SIDE)),
        annotated=_jpeg(annotated),
        width=annotated.width,
        height=annotated.height,
        faces={face.id: _jpeg(_crop(image, face.box)) for face in exhibit.faces},
        shown=tuple(shown),
        marked=len(regions),
    )


def together(drawn: Sequence[Pictures], shown: Sequence[Shown]) -> Pictures:
    """Pictures of a video: those of its stills as one; the first leads.

    Args:
        shown: pictures that its evidence refers to.
    """
    first, *others = drawn
    return replace(
        first,
        faces={face: crop for pictures in drawn for face, crop in pictures.faces.items()},
        shown=(*(Shown("still", pictures.annotated) for pictures in others), *shown),
    )


def marked_regions(exhibit: ExhibitReport) -> tuple[Box, ...]:
    """Regions of the evidence that the verdict's answer and reasons cite, without those that span the whole photo."""
    cited = {name for claim in exhibit.verdict.claims if claim.role != "doubt" for name in claim.evidence}
    width, height = exhibit.exhibit.width, exhibit.exhibit.height
    regions = [row.region.clipped(width, height) for row in exhibit.evidence if row.id in cited and row.region]
    return tuple(dict.fromkeys(box for box in regions if 0 < box.area < _WHOLE * width * height))


def shown_for(row: Evidence, data: bytes, photo: Photo) -> tuple[Shown, ...]:
    """The picture that a tool gave for its evidence, decoded under the usual limits and saved anew.

    A thumbnail that differs in a part of the photo is shown as that part, beside the same part of the photo. What is
    not a picture is not shown.
    """
    try:
        picture = Image.fromarray(Photo.open(data).pixels)
    except FaceAgentError:
        return ()
    if row.attribute != "thumbnail" or row.region is None or not _same_shape(picture, photo):
        return (Shown(row.attribute, _jpeg(_shrunk(picture, THUMBNAIL_SIDE))),)
    place, scale = _place(row.region, photo), picture.width / photo.width
    there = (place[0] * scale, place[1] * scale, place[2] * scale, place[3] * scale)
    return (
        Shown("thumbnail", _jpeg(_cut(picture, there))),
        Shown("photo", _jpeg(_cut(Image.fromarray(photo.pixels), place))),
    )


def part_of(photo: Photo, place: Box, side: int = THUMBNAIL_SIDE) -> bytes:
    """A part of the photo, `side` pixels long, as JPEG; what lies beyond the frame is left out.

    Args:
        place: in pixels of the upright photo.
    """
    inside = place.clipped(photo.width, photo.height)
    return _jpeg(_cut(Image.fromarray(photo.pixels), (inside.x0, inside.y0, inside.x1, inside.y1), side))


def _same_shape(picture: Image.Image, photo: Photo) -> bool:
    """Whether a smaller picture has the photo's proportions, give or take a pixel of rounding."""
    return abs(picture.width * photo.height / photo.width - picture.height) <= 1.5


def _place(region: Box, photo: Photo) -> Corners:
    """A region with as much again around it, no flatter than 3 : 2, inside the photo."""
    (x, y), width, height = region.centre, region.width * 2, region.height * 2
    width, height = max(width, height / 1.5), max(height, width / 1.5)
    wide = Box(x0=x - width / 2, y0=y - height / 2, x1=x + width / 2, y1=y + height / 2)
    wide = wide.clipped(photo.width, photo.height)
    return (wide.x0, wide.y0, wide.x1, wide.y1)


def _cut(image: Image.Image, place: Corners, side: int = THUMBNAIL_SIDE) -> Image.Image:
    width, height = place[2] - place[0], place[3] - place[1]
    factor = side / max(width, height, 1.0)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    inside = (max(0.0, place[0]), max(0.0, place[1]), min(place[2], image.width), min(place[3], image.height))
    return image.resize(size, Image.Resampling.BICUBIC, box=inside)


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    factor = side / max(image.size)
    if factor >= 1:
        return image.copy()
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=_GAP)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _crop(image: Image.Image, box: Box) -> Image.Image:
    """A square around a face, with some surroundings, kept inside the photo."""
    side = min(max(box.width, box.height) * 1.35, *image.size)
    x = min(max(box.centre[0] - side / 2, 0), image.width - side)
    y = min(max(box.centre[1] - side / 2, 0), image.height - side)
    place = (x, y, x + side, y + side)
    return image.resize((FACE_SIDE, FACE_SIDE), Image.Resampling.BICUBIC, box=place, reducing_gap=_GAP)


def _annotated(image: Image.Image, scale: float, exhibit: ExhibitReport, regions: Sequence[Box]) -> Image.Image:
    # Small photos are enlarged, so that lines and letters stay legible beside their content.
    grown = max(1.0, LONG_SIDE_OF_MANY / max(image.size))
    image = image.resize((round(image.width * grown), round(image.height * grown)), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    line = max(2, round(max(image.size) / 400))
    font = ImageFont.load_default(size=max(13, round(max(image.size) / 48)))
    for box in regions:
        _mark(pen, _scaled(box, scale * grown, image), line)
    for face in exhibit.faces:
        _frame(pen, _scaled(face.box, scale * grown, image), line)
    for face in exhibit.faces:
        _label(pen, _scaled(face.box, scale * grown, image), face.id, font, image.size)
    return image


def _scaled(box: Box, factor: float, image: Image.Image) -> Corners:
    inside = Box(x0=box.x0 * factor, y0=box.y0 * factor, x1=box.x1 * factor, y1=box.y1 * factor)
    kept = inside.clipped(image.width - 1, image.height - 1)
    return (kept.x0, kept.y0, kept.x1, kept.y1)


def _frame(pen: ImageDraw.ImageDraw, corners: Corners, line: int) -> None:
    """Corner brackets, light on dark, so that they show on any photo and leave the face to be seen."""
    x0, y0, x1, y1 = corners
    arm = min(x1 - x0, y1 - y0) * 0.24
    for colour, width in ((_INK, line + 2), (_PAPER, line)):
        for x, dx in ((x0, arm), (x1, -arm)):
            for y, dy in ((y0, arm), (y1, -arm)):
                pen.line([(x + dx, y), (x, y), (x, y + dy)], fill=colour, width=width, joint="curve")


def _mark(pen: ImageDraw.ImageDraw, corners: Corners, line: int) -> None:
    """A dashed rectangle, yellow on dark: where a finding lies."""
    x0, y0, x1, y1 = corners
    pen.rectangle(corners, outline=_INK, width=line + 2)
    dash = line * 5
    for start, end in (((x0, y0), (x1, y0)), ((x0, y1), (x1, y1)), ((x0, y0), (x0, y1)), ((x1, y0), (x1, y1))):
        length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
        for step in range(0, int(length), dash * 2):
            a, b = step / length, min(1.0, (step + dash) / length)
            pen.line(
                [_between(start, end, a), _between(start, end, b)],
                fill=_MARK,
                width=line + 1,
            )


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _label(
    pen: ImageDraw.ImageDraw,
    corners: Corners,
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    size: tuple[int, int],
) -> None:
    """The face's id on a dark tag under its box, or inside the box where the photo ends."""
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    pad = (bottom - top) * 0.45
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = min(max(corners[0], 0), size[0] - width)
    y = corners[3] + pad if corners[3] + pad + height <= size[1] else corners[3] - height - pad
    pen.rounded_rectangle((x, y, x + width, y + height), radius=pad, fill=_INK)
    pen.text((x + pad - left, y + pad - top), text, font=font, fill=_PAPER)
