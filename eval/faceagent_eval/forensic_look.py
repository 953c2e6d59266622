"""A labelled photo as the forgery ensemble sees it: found, read, examined and judged as the product does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from faceagent.errors import MediaError
from faceagent.media import Photo
from faceagent.types import Face, Method
from faceagent_eval.forensic_item import Item
from faceagent_tools import forgery, readable, weights
from faceagent_tools.align import POINTS
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import main_face
from faceagent_tools.forensics.clip import WEIGHTS as CLIP_WEIGHTS
from faceagent_tools.forensics.ensemble import Examined, Examiner, Finding
from faceagent_tools.forensics.mesonet import GRAPHS, MesoNet
from faceagent_tools.multitask import FaceReader, Reading
from faceagent_tools.trunk import WEIGHTS as TRUNK

ENSEMBLE = "ensemble"
CONFOUNDS = ("file size", "bytes a pixel", "pixels", "width of the face")
"""What is not the forgery. A set on which one of these tells forgeries apart says little of what does the same."""

Outcome = Finding | Literal["abstained", "no face", "unreadable"]
Unfit = Callable[[Photo, Face, Reading, Examined], str | None]
"""Why the tool would abstain, or None."""


@dataclass(frozen=True)
class Seen:
    """What came of one photo.

    outcome: "unreadable" is a file that is missing or no photo. scores: by name, higher speaks for a forgery: log odds
    of `ENSEMBLE` and of each of its parts, what MesoNet's networks say, and `CONFOUNDS`; empty without a face.
    probability: of forged, as the tool gives it. milliseconds: of the examination alone.
    """

    item: Item
    outcome: Outcome
    scores: Mapping[str, float] = field(default_factory=dict)
    probability: float = 0.5
    milliseconds: float = 0.0


def unfit(photo: Photo, face: Face, reading: Reading, examined: Examined) -> str | None:
    """The tool's own reasons."""
    table = examined.stack
    return readable.why_not(photo, face, reading) or forgery.too_small(face, table) or forgery.unlike(examined, table)


class Looker:
    """Asks the ensemble and, beside it, those of MesoNet's published networks whose weights are on this machine.

    Args:
        unfit: why the tool would abstain.
        published: whether to ask MesoNet.
        clip: whether CLIP is a part of the ensemble.

    Raises:
        WeightsMissing: CLIP is, and its weights are not on this machine.
    """

    def __init__(self, unfit: Unfit = unfit, published: bool = True, clip: bool = False) -> None:
        if clip:
            weights.path(CLIP_WEIGHTS)
        self._detector, self._reader, self._examiner = FaceDetector(), FaceReader(), Examiner(clip=clip)
        self._unfit = unfit
        names = [name for name in GRAPHS if weights.find(name) is not None] if published else []
        self._published = {name: MesoNet(name) for name in names}

    @property
    def methods(self) -> tuple[Method, ...]:
        published = (weights.method(name) for name in self._published)
        shared = (weights.method(POINTS), weights.method(TRUNK))
        return (self._detector.method, *shared, self._reader.method, *self._parts(), *published)

    def _parts(self) -> tuple[Method, ...]:
        clip = () if self._examiner.clip is None else (weights.method(CLIP_WEIGHTS),)
        return (self._examiner.network.method, *clip)

    def look(self, item: Item, change: Callable[[Photo], Photo] = lambda photo: photo) -> Seen:
        """The main face of one photo.

        Args:
            change: what happens to the photo before it is looked at.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        try:
            photo = change(Photo.open(item.photo, name=item.name))
        except MediaError:
            return Seen(item, "unreadable")
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is None:
            return Seen(item, "no face")
        reading = self._reader.read_photo(photo, face)
        begun = time.perf_counter()
        examined = self._examiner.examine(photo, face, reading.points)
        spent = 1000 * (time.perf_counter() - begun)
        abstained = self._unfit(photo, face, reading, examined) is not None
        pixels = float(photo.width * photo.height)
        facts = (len(photo.raw), len(photo.raw) / pixels, pixels, face.box.width)
        scores = {
            ENSEMBLE: examined.log_odds,
            **examined.parts,
            **{name: net.forged(photo.pixels, reading.points) for name, net in self._published.items()},
            **dict(zip(CONFOUNDS, map(float, facts), strict=True)),
        }
        outcome: Outcome = "abstained" if abstained else examined.stack.finding(examined)
        return Seen(item, outcome, scores, examined.probability, spent)
