"""What the frames of one track say together: the answer of the median frame, where in time, and how steady the face is.

There is no calibration of videos. The answer is that of the track's median frame, held against the lines of photos, and
is called that; what is measured between frames is told and decides nothing. For landmark jitter and flicker of the
score no ordinary range is known; identity is held against the line of `compare_faces`, blinks against Doughty (2001).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median, median_high, median_low
from typing import Literal

import numpy as np

from faceagent_tools import similarity
from faceagent_tools.forensics.tracks import Seen, Track
from faceagent_tools.forensics.view import Floats

Finding = Literal["manipulated", "synthetic", "no_sign", "inconclusive"]
FEWEST = 3
"""Frames. A median of fewer is no more than one of them."""
FOLLOWING = 0.1
"""Seconds between frames that follow one another closely enough for no blink to fall between them (one takes 0.1 to
0.4 s)."""
ORDINARY_BLINKS = (10.5, 32.5)
"""A minute, for 95 % of adults in conversation; 8 to 21 in silence, 1.4 to 14.4 when reading (Doughty 2001, Optometry
and Vision Science 78 (10))."""
WATCHED = 21.0
"""Seconds in which somebody who blinks 10.5 times a minute does so at least once, but for one time in forty (Poisson:
exp(-10.5 x 21 / 60) = 0.025). In less time a blink that is missing says nothing."""


@dataclass(frozen=True)
class Stretch:
    """A part of the video that some sampled frames stand for.

    start, end: seconds, half-way to the neighbouring runs, as nothing between them was looked at. log_odds,
    probability: of the median frame (the lower of two), so they are calibrated as that frame is. frames: how many were
    examined.
    """

    start: float
    end: float
    log_odds: float
    probability: float
    frames: int


@dataclass(frozen=True)
class Conclusion:
    """log_odds, probability: of the median frame. frames: examined. above, below: how many of them pass the upper line,
    and how many the lower."""

    finding: Finding
    log_odds: float
    probability: float
    frames: int
    above: int
    below: int


def conclude(track: Track, high: float, low: float) -> Conclusion | None:
    """The answer of the median frame, or None where there are too few.

    A track that is clean on the whole but has stretches above the line stays open: of a dozen stretches one may be so
    by chance, and a video may be forged in part.

    Args:
        high, low: log odds from which a photo is called forged, and up to which no sign is said.
    """
    seen = track.examined
    if len(seen) < FEWEST:
        return None
    odds = _odds(seen)
    middle, likely = _middle(seen)
    above = [one for one in seen if one.log_odds is not None and one.log_odds >= high]
    finding: Finding = "inconclusive"
    if middle >= high:
        finding = "synthetic" if 2 * sum(one.synthetic for one in above) > len(above) else "manipulated"
    elif median_high(odds) <= low and not any(median_low(_odds(run)) >= high for run in _runs(seen)):
        finding = "no_sign"
    return Conclusion(finding, middle, likely, len(seen), len(above), sum(value <= low for value in odds))


def timeline(track: Track, looked_at: Mapping[int, tuple[float, float]], duration: float) -> list[Stretch]:
    """The track's score over time: a stretch for each run in which it was examined, in order.

    Args:
        looked_at: times of the first and the last frame of every run of the sample, by run.
        duration: seconds of the video.
    """
    cells = _cells(looked_at, duration)
    return [Stretch(*cells[run[0].run], *_middle(run), len(run)) for run in _runs(track.examined)]


def segments(track: Track, stretches: Sequence[Stretch], high: float) -> list[Stretch]:
    """Neighbouring stretches above the line as one, the strongest first."""
    found: list[list[Stretch]] = []
    for one in stretches:
        if one.log_odds < high:
            continue
        if found and math.isclose(found[-1][-1].end, one.start):
            found[-1].append(one)
        else:
            found.append([one])
    joined = [_joined(track, parts) for parts in found]
    return sorted(joined, key=lambda one: -one.log_odds)


def _joined(track: Track, parts: Sequence[Stretch]) -> Stretch:
    start, end = parts[0].start, parts[-1].end
    inside = [one for one in track.examined if start <= one.time <= end]
    return Stretch(start, end, *_middle(inside), len(inside))


def _cells(looked_at: Mapping[int, tuple[float, float]], duration: float) -> dict[int, tuple[float, float]]:
    """By run, from half-way to the run before it until half-way to the one after it."""
    runs = sorted(looked_at, key=lambda run: looked_at[run])
    between = [(looked_at[a][1] + looked_at[b][0]) / 2 for a, b in pairwise(runs)]
    last = max([duration, *(looked_at[run][1] for run in runs)])
    return dict(zip(runs, pairwise([0.0, *between, last]), strict=True))


def _odds(seen: Iterable[Seen]) -> list[float]:
    return [one.log_odds for one in seen if one.log_odds is not None]


def _middle(seen: Iterable[Seen]) -> tuple[float, float]:
    """Log odds and probability of the median frame."""
    scores = sorted((one.log_odds, one.probability or 0.0) for one in seen if one.log_odds is not None)
    return scores[(len(scores) - 1) // 2]


def _runs(seen: Iterable[Seen]) -> list[list[Seen]]:
    return [list(run) for _, run in groupby(seen, key=lambda one: one.run)]


# Between frames.


@dataclass(frozen=True)
class Drift:
    """Each frame against the one that the others resemble most. unlike: how many fall below the line of
    `similarity.Table.different_below`; lowest: similarity of the worst; at: its time in seconds; frames: compared."""

    unlike: int
    lowest: float
    at: float
    frames: int


def drift(track: Track) -> Drift | None:
    """How steadily the face is one person's; None below `FEWEST` frames that could be recognised."""
    known = [(one, one.embedding) for one in track.examined if one.embedding is not None]
    if len(known) < FEWEST:
        return None
    table = similarity.table()
    vectors = similarity.unit(np.stack([embedding for _, embedding in known]).astype(np.float64))
    alike = similarity.all_pairs(vectors, similarity.cohort(), table.nearest)
    to_middle = alike[int(np.argmax(alike.sum(axis=0)))]
    worst = int(np.argmin(to_middle))
    unlike = int((to_middle < table.different_below).sum())
    return Drift(unlike, float(to_middle[worst]), known[worst][0].time, len(known))


def jitter(track: Track) -> tuple[float, int] | None:
    """How much the points tremble, in shares of the distance between the eyes, and of how many triples of frames it is
    the median.

    The second difference in time of the points, after the face's own shift, turn and size are taken out; a steady
    movement leaves none. Root mean square over the points. None without three frames that follow one another.
    """
    found = [_tremble(*triple) for run in _following(track.seen) for triple in zip(run, run[1:], run[2:], strict=False)]
    return (median(found), len(found)) if found else None


def _tremble(before: Seen, now: Seen, after: Seen) -> float:
    assert before.points is not None and now.points is not None and after.points is not None
    middle = now.points
    eyes = float(np.hypot(*(middle[36:42].mean(axis=0) - middle[42:48].mean(axis=0))))
    bent = _fitted(before.points, middle) - 2 * middle + _fitted(after.points, middle)
    return float(np.sqrt((bent**2).sum(axis=1).mean())) / max(eyes, 1e-9)


def _fitted(points: Floats, to: Floats) -> Floats:
    """Points [n, 2] shifted, turned and scaled onto others, least squares (Umeyama 1991, in the plane)."""
    a, b = points - points.mean(axis=0), to - to.mean(axis=0)
    size = max(float((a**2).sum()), 1e-9)
    cosine, sine = float((a * b).sum()) / size, float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / size
    return np.asarray(a @ np.array([[cosine, sine], [-sine, cosine]]) + to.mean(axis=0))


def flicker(track: Track) -> tuple[float, int] | None:
    """Median change of the log odds from one frame to the next of a run, and of how many; None without two."""
    steps = [abs(b - a) for run in _runs(track.examined) for a, b in pairwise(_odds(run))]
    return (median(steps), len(steps)) if steps else None


@dataclass(frozen=True)
class Blinks:
    """begun: eyes that were open in one frame and closed in the next. watched: seconds between frames that follow one
    another. closed: frames with closed eyes, of `frames` in which they could be read."""

    begun: int
    watched: float
    closed: int
    frames: int

    @property
    def a_minute(self) -> float | None:
        """None where too little was watched to tell."""
        return 60 * self.begun / self.watched if self.watched >= WATCHED else None


def blinks(track: Track) -> Blinks:
    read = [one for one in track.seen if one.closed is not None]
    steps = [pair for run in _following(read) for pair in pairwise(run)]
    return Blinks(
        begun=sum(bool(after.closed) and not before.closed for before, after in steps),
        watched=sum(after.time - before.time for before, after in steps),
        closed=sum(bool(one.closed) for one in read),
        frames=len(read),
    )


def _following(seen: Iterable[Seen]) -> list[list[Seen]]:
    """Frames that were read and follow one another without a gap."""
    found: list[list[Seen]] = []
    for one in seen:
        if one.points is None:
            continue
        last = found[-1][-1] if found else None
        if last is not None and last.run == one.run and one.time - last.time <= FOLLOWING:
            found[-1].append(one)
        else:
            found.append([one])
    return found
