"""Faces followed through the sampled frames of a video.

Within a run of frames a face is where it was: boxes that overlap are one face, whoever it looks like, so that a face
that changes in place is seen to change. Between runs seconds lie, in which people move and the picture may be cut:
there a face is the one that it looks like, by the product's own comparison (`similarity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from faceagent.types import Face
from faceagent_tools import similarity
from faceagent_tools.embedding import Embedding
from faceagent_tools.forensics.view import Floats

OVERLAP = 0.3
"""Intersection over union of two boxes that are one face in frames that follow one another."""
IN_PLACE = 0.5
"""The same for frames that are seconds apart, where a face that is not quite unlike is enough besides."""

_LAST = 3.0  # puts a fit after all similarities


@dataclass(frozen=True, eq=False)
class Seen:
    """One face in one frame.

    time: seconds from the start of the video. run: of the sample, from 0. embedding: None where the face is too small
    to be recognised. points: [78, 2] as `multitask.Reading.points`; None, with closed, where the face cannot be read.
    closed: whether both eyes are. log_odds, probability: of forged, as `ensemble.Examined` has them; None where nothing
    should be said of the frame, and reason says why. synthetic: if it is forged, all of it rather than a part.
    """

    time: float
    run: int
    face: Face
    embedding: Embedding | None = None
    points: Floats | None = None
    closed: bool | None = None
    log_odds: float | None = None
    probability: float | None = None
    synthetic: bool = False
    reason: str | None = None


@dataclass(eq=False)
class Track:
    """One face through a video, in order of time, at most once a frame."""

    seen: list[Seen] = field(default_factory=list)

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    @property
    def examined(self) -> list[Seen]:
        """The frames of which something is said."""
        return [one for one in self.seen if one.log_odds is not None]

    @property
    def mean(self) -> Embedding | None:
        """What the face looks like on the whole: length 1."""
        known = [one.embedding for one in self.seen if one.embedding is not None]
        return np.asarray(similarity.unit(np.mean(known, axis=0)), np.float32) if known else None


class Tracker:
    """Joins the faces of one frame after another to tracks. Frames come in order of time."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All so far, those with the most frames first, then those that began first."""
        return tuple(sorted(self._tracks, key=lambda track: -len(track.seen)))

    def add(self, faces: Sequence[Seen]) -> None:
        """The faces of one frame: each goes on with the track that it fits best, or begins one."""
        fits = [(fit, track, one) for track in self._tracks for one in faces if (fit := _fit(track, one)) is not None]
        joined: set[int] = set()
        for _, track, one in sorted(fits, key=lambda item: item[0], reverse=True):
            if id(track) not in joined and id(one) not in joined:
                track.seen.append(one)
                joined |= {id(track), id(one)}
        self._tracks += [Track([one]) for one in faces if id(one) not in joined]


def _fit(track: Track, one: Seen) -> tuple[bool, float] | None:
    """How well a face goes on with a track: by place within a run, which comes first, or else by looks."""
    overlap = track.last.face.box.iou(one.face.box)
    if track.last.run == one.run and overlap >= OVERLAP:
        return True, overlap
    mean = track.mean
    if mean is None or one.embedding is None:
        # Who cannot be recognised goes on where somebody was, if nobody else fits.
        return (False, overlap - _LAST) if overlap >= IN_PLACE else None
    alike = similarity.similarity(mean, one.embedding)
    table = similarity.table()
    line = table.different_below if overlap >= IN_PLACE else table.line(similarity.DEFAULT_RATE).similarity
    return (False, alike) if alike >= line else None
