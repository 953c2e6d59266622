"""parse_face: eyes, brows, nose, mouth and skin of a face as outlines, with the share of the face that each takes up.

The embedded answer follows the network's 68 points. A segmentation network (`Parser`) sees more: hair, hats, glasses.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from faceagent.geometry import Affine
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Box, Claim, Evidence, Face, Method
from faceagent_tools import align, multitask, pose_table, readable, uniface_backends, weights
from faceagent_tools.multitask import FaceReader, Floats

Mask = npt.NDArray[np.bool_]

NEAR, FAR = "nearer_left_edge", "nearer_right_edge"
REGIONS = (
    "skin",
    "nose",
    f"brow_{NEAR}",
    f"brow_{FAR}",
    f"eye_{NEAR}",
    f"eye_{FAR}",
    "lips",
    "mouth_opening",
)
"""The regions that make up a face; they do not overlap. Edges are those of the photo."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "eyes": (f"eye_{NEAR}", f"eye_{FAR}"),
    "brows": (f"brow_{NEAR}", f"brow_{FAR}"),
    "nose": ("nose",),
    "mouth": ("lips", "mouth_opening"),
    "skin": ("skin",),
}
"""What sentences speak of."""
WORN = ("glasses", "hat", "earrings")
"""What a parser may outline. Where it does not, nothing says that there is none."""
COLOURS: Mapping[str, tuple[int, int, int]] = {
    "skin": (255, 220, 120),
    "nose": (255, 140, 0),
    "brows": (150, 90, 220),
    "eyes": (0, 150, 255),
    "mouth": (230, 40, 90),
    "other": (120, 200, 120),
}
SIDE = 320
"""Pixels of the longer side of the cut-out in which areas are counted and which the picture shows."""
BROW_HALF = 0.07
"""Of a brow's length: half the thickness that its line of points is given."""
BRIDGE_HALF = 0.2
"""Of the width of the nose at its wings: half the width of its bridge, of which the points give only the ridge."""
_MARGIN = 0.1
_ARC = 24  # points of the forehead
LIMIT = (
    "Drawn along points of the face: hair, hands, glasses and whatever else lies in front are not seen. The forehead "
    "is as high as the nose is long, as in the classical thirds of a face, and the brows and the bridge of the nose "
    "have a usual width."
)
NOTHING_FOUND = "no part of a face was found there"


class Parser(Protocol):
    """A network that tells the regions of a face apart pixel by pixel."""

    @property
    def method(self) -> Method:
        """What evidence cites."""
        ...

    def parse(self, photo: Photo, face: Face) -> dict[str, Mask]:
        """One mask [H, W] of the photo's size a region.

        Names of `REGIONS` where it knows them (edges are those of the photo, not sides of the subject), and its own
        for the rest, such as "hair" or "glasses". Masks do not overlap.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        ...


@dataclass(frozen=True)
class Cut:
    """The part of a photo around a face. pixels: uint8 RGB [h, w, 3]; to_photo: from its pixels to the photo's."""

    pixels: Pixels
    to_photo: Affine

    @property
    def place(self) -> Box:
        """The part of the photo that it is."""
        height, width = self.pixels.shape[:2]
        return Box(x0=0, y0=0, x1=width, y1=height).mapped(self.to_photo)


class ParseFace(FaceTool[SubjectArguments]):
    """The tool.

    Args:
        reader: the network that reads faces, shared with the other tools.
        parser: a segmentation network to use instead of the reader's points.
    """

    name = "parse_face"
    description = (
        "Outline the regions of faces (eyes, brows, nose, mouth, skin) as polygons, with the share of the face that "
        "each takes up and a picture of them."
    )
    arguments = SubjectArguments
    needs_faces = True

    def __init__(self, reader: FaceReader, parser: Parser | None = None) -> None:
        self._reader, self._parser = reader, parser

    def run(self, session: Session, arguments: SubjectArguments) -> list[Evidence]:
        return [self._face(session, face) for face in session.faces_in(arguments.subjects)]

    @property
    def _method(self) -> Method:
        return self._reader.method if self._parser is None else self._parser.method

    def _face(self, session: Session, face: Face) -> Evidence:
        reading = readable.read(self._reader, session, face)
        if isinstance(reading, str):
            return self._abstained(face, reading)
        photo = session.photo(face.image)
        if self._parser is None:
            outlines = polygons(reading.points)
            cut = cut_out(photo, around(outlines["face"]))
            found = filled(outlines, cut)
        else:
            cut = cut_out(photo, face.box.scaled_about_centre(1.6))
            found = cropped(self._parser.parse(photo, face), cut)
            outlines = {name: contour(mask, cut) for name, mask in found.items()}
        if not any(mask.any() for mask in found.values()):
            return self._abstained(face, NOTHING_FOUND)
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="regions",
            value=[name for name, mask in found.items() if mask.any()],
            region=face.box,
            method=self._method,
            limitations=self._limits,
            details={
                **_shares(found),
                "sides": {NEAR: "the subject's right, unless the photo is mirrored", FAR: "the subject's left"},
                "polygons_xy": {name: _flat(outline) for name, outline in outlines.items() if len(outline)},
                "not_told_well_enough": [name for name in WORN if name not in found or not found[name].any()],
                "from_points": self._parser is None,
                "picture": session.illustrate(face.image, picture(cut, found), cut.place),
            },
        )

    @property
    def _limits(self) -> tuple[str, ...]:
        return (LIMIT,) if self._parser is None else ()

    def _abstained(self, face: Face, reason: str) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="regions",
            status="abstained",
            reason=reason,
            region=face.box,
            method=self._method,
            limitations=self._limits,
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return list(_words(evidence, names))

    def backends(self) -> list[Backend]:
        files = (multitask.WEIGHTS, align.POINTS)
        missing = next((name for name in files if weights.find(name) is None), None)
        rows = [
            Backend(
                self.name,
                self._reader.method,
                "embedded",
                here=missing is None,
                chosen=self._parser is None,
                size=weights.row(multitask.WEIGHTS).size,
                how=None if missing is None else weights.command(missing),
            )
        ]
        if self._parser is None:
            return [*rows, uniface_backends.backend("uniface-bisenet", self.name)]
        return [*rows, Backend(self.name, self._parser.method, "published", here=True, chosen=True)]


def polygons(points: Floats) -> dict[str, Floats]:
    """Outlines in upright pixels, [n, 2] each: `REGIONS` but skin, "lips" with the opening in it, and "face".

    Args:
        points: [78, 2] as `Reading.points`.
    """
    first, second = pose_table.sides(points)
    bridge = (points[35] - points[31]) * BRIDGE_HALF
    nose = np.vstack([points[27] - bridge, points[27] + bridge, points[[35, 34, 33, 32, 31]]])
    return {
        "face": oval(points),
        "nose": nose,
        f"brow_{first}": _band(points[17:22]),
        f"brow_{second}": _band(points[22:27]),
        f"eye_{first}": points[pose_table.EYES[0]],
        f"eye_{second}": points[pose_table.EYES[1]],
        "lips": points[48:60],
        "mouth_opening": points[60:68],
    }


def oval(points: Floats) -> Floats:
    """The outline of a face, [17 + 24, 2]: the jaw, and an arch over a forehead as high as the nose is long.

    The neoclassical canon has the hair line as far above the brows as the base of the nose is below them; how roughly
    it holds was measured by Farkas et al. 1985 (doi:10.1097/00006534-198503000-00005).
    """
    jaw, brows = points[:17], points[17:27].mean(axis=0)
    top = brows + (brows - points[33])
    middle = (jaw[0] + jaw[16]) / 2
    turn = np.linspace(0, np.pi, _ARC + 2)[1:-1, None]
    arch = middle + np.cos(turn) * (jaw[16] - middle) + np.sin(turn) * (top - middle)
    return np.vstack([jaw, arch])


def _band(line: Floats) -> Floats:
    """A line of points with a thickness."""
    along = line[-1] - line[0]
    aside = np.array([-along[1], along[0]]) * BROW_HALF
    return np.vstack([line + aside, line[::-1] - aside])


def around(outline: Floats) -> Box:
    """The box of an outline with a margin."""
    (x0, y0), (x1, y1) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
    return Box(x0=x0, y0=y0, x1=x1, y1=y1).scaled_about_centre(1 + 2 * _MARGIN)


def cut_out(photo: Photo, box: Box) -> Cut:
    """A part of the photo, `SIDE` pixels long; what lies beyond the frame is left out."""
    inside = box.clipped(photo.width, photo.height)
    x0, y0 = min(int(inside.x0), photo.width - 1), min(int(inside.y0), photo.height - 1)
    x1, y1 = max(int(np.ceil(inside.x1)), x0 + 1), max(int(np.ceil(inside.y1)), y0 + 1)
    scale = SIDE / max(x1 - x0, y1 - y0)
    width, height = max(round((x1 - x0) * scale), 1), max(round((y1 - y0) * scale), 1)
    pixels = cv2.resize(photo.pixels[y0:y1, x0:x1], (width, height), interpolation=cv2.INTER_AREA)
    to_photo = Affine.scaling((x1 - x0) / width, (y1 - y0) / height).then(Affine.translation(x0, y0))
    return Cut(np.asarray(pixels, dtype=np.uint8), to_photo)


def filled(outlines: Mapping[str, Floats], cut: Cut) -> dict[str, Mask]:
    """The masks of `REGIONS` in a cut-out.

    What lies in several outlines belongs to the last of them in the order of `REGIONS`; nothing lies beyond the face.
    """
    back = cut.to_photo.inverse()
    areas = {}
    for name, outline in outlines.items():
        canvas = np.zeros(cut.pixels.shape[:2], np.uint8)
        # fillPoly counts in pixel centres, and takes sixteenths here.
        placed = np.array(back.points((float(x), float(y)) for x, y in outline)) - 0.5
        cv2.fillPoly(canvas, [np.rint(placed * 16).astype(np.int32)], 1, shift=4)
        areas[name] = canvas.astype(bool)
    face = areas["face"]
    owner = np.where(face, REGIONS.index("skin") + 1, 0)
    for number, name in enumerate(REGIONS, 1):
        if name in areas:
            owner[areas[name] & face] = number
    return {name: owner == number for number, name in enumerate(REGIONS, 1)}


def cropped(masks: Mapping[str, Mask], cut: Cut) -> dict[str, Mask]:
    """A parser's masks in a cut-out, those of `REGIONS` first."""
    height, width = cut.pixels.shape[:2]
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    columns = (x * cut.to_photo.a + cut.to_photo.c).astype(int)
    rows = (y * cut.to_photo.e + cut.to_photo.f).astype(int)
    order = sorted(masks, key=lambda name: (name not in REGIONS, REGIONS.index(name) if name in REGIONS else 0))
    return {name: np.asarray(masks[name][np.ix_(rows, columns)], dtype=np.bool_) for name in order}


def contour(mask: Mask, cut: Cut) -> Floats:
    """The outline of the largest piece of a mask in upright pixels of the photo, [n, 2]; empty for an empty mask."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not found:
        return np.empty((0, 2))
    largest = cv2.approxPolyDP(max(found, key=cv2.contourArea), 1.0, closed=True)[:, 0]
    return np.array(cut.to_photo.points((float(x) + 0.5, float(y) + 0.5) for x, y in largest))


def picture(cut: Cut, masks: Mapping[str, Mask]) -> bytes:
    """The cut-out with its regions tinted and outlined, as PNG."""
    from PIL import Image

    part_of = {name: part for part, names in PARTS.items() for name in names}
    shown = cut.pixels.copy()
    for name, mask in masks.items():
        colour = COLOURS.get(part_of.get(name, "other"), COLOURS["other"])
        tint = 0.2 if name == "skin" else 0.45
        shown[mask] = (shown[mask] * (1 - tint) + np.array(colour) * tint).astype(np.uint8)
        edges, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, edges, -1, colour, 1)
    buffer = io.BytesIO()
    Image.fromarray(shown).save(buffer, format="PNG")
    return buffer.getvalue()


def _shares(masks: Mapping[str, Mask]) -> dict[str, JsonValue]:
    """Shares of the face, 0-1: of its parts and of each region. What is no part of a face is put in relation to it."""
    face = max(sum(int(mask.sum()) for name, mask in masks.items() if name in REGIONS), 1)
    share = {name: round(int(mask.sum()) / face, 4) for name, mask in masks.items()}
    parts = {part: round(sum(share.get(name, 0.0) for name in names), 4) for part, names in PARTS.items()}
    return {"share_of_the_face": dict[str, JsonValue](parts), "share_by_region": dict[str, JsonValue](share)}


def _flat(outline: Floats) -> list[JsonValue]:
    return [round(float(number), 1) for number in outline.ravel()]


_TOLD = ("nose", "mouth", "eyes", "brows")
_MANY = 3  # faces beyond which shares are left to the table
_ALL_OF_IT = 0.995  # share of a face from which one part of it is as good as all that was found


def _words(evidence: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    groups: dict[str, list[Evidence]] = {}
    for row in evidence:
        groups.setdefault(f"{row.status} {row.reason or row.value}", []).append(row)
    for rows in groups.values():
        who = names.of(" + ".join(row.subject for row in rows))
        if rows[0].status != "ok":
            yield Claim.on(rows, f"The regions of {who} were not outlined, because {rows[0].reason}.", "answer")
            continue
        parts = [part for part, members in PARTS.items() if any(member in _listed(rows[0]) for member in members)]
        # What is worn comes last: of a face that wears glasses no more is said after "and".
        more = sorted((name for name in _listed(rows[0]) if name not in REGIONS), key=lambda name: name in WORN)
        said = _and([*parts, *(name.replace("_", " ") for name in more)])
        yield Claim.on(rows, f"The regions of {who} were outlined: {said}.", "answer")
    outlined = [row for row in evidence if row.status == "ok"]
    for row in outlined if len(outlined) <= _MANY else ():
        share = row.details.get("share_of_the_face")
        told = {part: share[part] for part in _TOLD} if isinstance(share, dict) else {}
        if told and not any(isinstance(one, float) and one >= _ALL_OF_IT for one in told.values()):
            first, *rest = (f"the {part} {{}}{_percent(one)}" for part, one in told.items())
            said = _and([first.format("takes up about "), *(one.format("") for one in rest)])
            yield Claim.on([row], f"Of {names.of(row.subject)} as outlined, {said}.", "reason")
    drawn = [row for row in outlined if row.details.get("from_points") is True]
    if drawn:
        sentence = (
            "The outlines follow points of the face: hair, hands and glasses are not seen, and the forehead is only "
            "inferred from the brows."
        )
        yield Claim.on(drawn[:1], sentence, "doubt")


def _listed(row: Evidence) -> list[str]:
    return [str(name) for name in row.value] if isinstance(row.value, list) else []


def _percent(share: JsonValue) -> str:
    return f"{float(share) * 100:.0f} %" if isinstance(share, int | float) else "an unknown share"


def _and(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
