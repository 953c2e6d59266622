"""Real evidence, recorded once and played to a controller: what the tools said of some photos.

A `World` is a conversation's photos with everything that the tools measure on them. `played` gives tools that say again
what was recorded, so that one tool can be made to speak of another world while the rest of the conversation stays: the
counterfactual.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import DETECTOR, VIDEO, AnyTool, Arguments, Backend, FaceTool, Names, Toolbox
from faceagent.types import Claim, Evidence, Face
from faceagent.video import Video

PURPOSE = "research"
"""Under which everything is recorded and asked, so that no tool abstains for want of one."""


@dataclass(frozen=True)
class World:
    """Photos and videos, the faces found in each, and the evidence of each tool in the order in which it was given.

    stills: the photos that were taken out of each video.
    """

    name: str
    media: tuple[Photo | Video, ...]
    faces: Mapping[str, tuple[Face, ...]]
    rows: Mapping[str, tuple[Evidence, ...]]
    stills: Mapping[str, tuple[Photo, ...]]

    def changed(self, tool: str, change: Callable[[Evidence], Evidence], name: str) -> World:
        """The same world but for what one tool says."""
        rows = {**self.rows, tool: tuple(change(row) for row in self.rows[tool])}
        return replace(self, name=name, rows=rows)


def record(name: str, media: Sequence[Photo | Video], tools: Sequence[AnyTool]) -> World:
    """Everything that the tools measure on these photos and videos."""
    session, box = Session(PURPOSE), Toolbox(tools)
    for one in media:
        session.add_video(one) if isinstance(one, Video) else session.add(one)
    # Videos first: the frames in which faces are seen best are photos like any other from then on.
    order = sorted(box, key=lambda tool: tool != VIDEO)
    rows = {tool: tuple(box.call(session, tool, {})[-1].evidence) for tool in order}
    faces = {image: session.faces(image) for image in session.images}
    stills = {video: tuple(map(session.photo, session.stills(video) or ())) for video in session.videos}
    return World(name, tuple(media), faces, rows, stills)


class Played(FaceTool[Arguments]):
    """A tool that says what was recorded of a world, and words it as ever."""

    def __init__(self, tool: AnyTool, world: World) -> None:
        self._tool, self._world = tool, world

    @property
    def name(self) -> str:  # type: ignore[override]
        return self._tool.name

    @property
    def description(self) -> str:  # type: ignore[override]
        return self._tool.description

    @property
    def arguments(self) -> type[Arguments]:  # type: ignore[override]
        return self._tool.arguments

    @property
    def needs_faces(self) -> bool:  # type: ignore[override]
        return self._tool.needs_faces

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        scope = self.scope(session, arguments)
        if self.name == VIDEO:
            scope = (*scope, *self._take_out_stills(session, scope))
        if self.name in (DETECTOR, VIDEO):
            for image in scope:
                if image.startswith("image"):
                    session.set_faces(image, self._world.faces.get(image, ()))
        return [
            row.model_copy(update={"id": "", "milliseconds": 0.0})
            for row in self._world.rows[self.name]
            if any(_image(part) in scope for part in row.subject.split(" + "))
        ]

    def _take_out_stills(self, session: Session, videos: Sequence[str]) -> list[str]:
        taken: list[str] = []
        for video in videos:
            known = session.stills(video)
            taken += session.add_stills(video, self._world.stills.get(video, ())) if known is None else known
        return taken

    def scope(self, session: Session, arguments: Arguments) -> tuple[str, ...]:
        return self._tool.scope(session, arguments)

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return self._tool.word(evidence, names)

    def backends(self) -> Sequence[Backend]:
        return self._tool.backends()


def played(tools: Iterable[AnyTool], world: World, other: World | None = None, of: str | None = None) -> list[AnyTool]:
    """Tools that say what was recorded of a world; the one named `of` speaks of the other world."""
    return [Played(tool, other if other is not None and tool.name == of else world) for tool in tools]


def _image(subject: str) -> str:
    return f"image {subject.split()[1].partition('.')[0]}" if subject.startswith("face ") else subject


# Worlds made of the same photos


def _blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(6))


def _dark(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(0.12)


def _mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _small(image: Image.Image) -> Image.Image:
    """The photo at an eighth of its size on a grey ground, too small for most measurements."""
    canvas = Image.new("RGB", image.size, (128, 128, 128))
    canvas.paste(image.resize((image.width // 8, image.height // 8), Image.Resampling.LANCZOS), (40, 40))
    return canvas


def _empty(image: Image.Image) -> Image.Image:
    """Nobody: the photo's own colours, smeared out."""
    return image.resize((4, 4)).resize(image.size, Image.Resampling.BICUBIC)


OTHERWISE: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": _mirrored,
    "blurred": _blurred,
    "dark": _dark,
    "small": _small,
    "nobody": _empty,
}
"""What else the photos might have shown."""


def otherwise(name: str, photos: Sequence[Photo]) -> list[Photo]:
    """The photos changed, as JPEG files without records."""
    return [_file(OTHERWISE[name](Image.fromarray(np.asarray(photo.pixels))), photo.name) for photo in photos]


def _file(image: Image.Image, name: str) -> Photo:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=90)
    return Photo.open(buffer.getvalue(), name=name)
