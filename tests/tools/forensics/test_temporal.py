"""Faces followed from frame to frame, and what is measured between frames: properties on made-up observations."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median_low

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.types import Box, Face
from faceagent_tools import similarity
from faceagent_tools.embedding import Embedding
from faceagent_tools.forensics import temporal
from faceagent_tools.forensics.tracks import Seen, Track, Tracker

HIGH, LOW = 2.0, -2.0
SHAPE = np.random.default_rng(0).uniform(0, 100, (78, 2))


def person(seed: int, noise: float = 0.0) -> Embedding:
    """Somebody: not so near to any average face that the comparison is thrown off."""
    rng = np.random.default_rng(seed)
    vector = similarity.cohort().mean(axis=0) * 0.5 + 0.07 * rng.standard_normal(128)
    vector = vector + noise * np.random.default_rng(seed + 1000).standard_normal(128)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def seen(
    time: float,
    run: int = 0,
    *,
    x: float = 0.0,
    who: Embedding | None = None,
    odds: float | None = None,
    closed: bool | None = None,
    points: np.ndarray | None = SHAPE,
    synthetic: bool = False,
) -> Seen:
    face = Face(id="face 0.1", image="image 0", box=Box(x0=x, y0=0, x1=x + 50, y1=50), score=1)
    probability = None if odds is None else 1 / (1 + math.exp(-odds))
    return Seen(time, run, face, who, points, closed, odds, probability, synthetic)


def followed(*frames: list[Seen]) -> list[list[Seen]]:
    tracker = Tracker()
    for frame in frames:
        tracker.add(frame)
    return [track.seen for track in tracker.tracks]


def test_within_a_run_a_face_is_where_it_was_whoever_it_looks_like() -> None:
    first, second = seen(0.0, who=person(1)), seen(0.04, x=5, who=person(2))
    assert followed([first], [second]) == [[first, second]]


def test_between_runs_a_face_is_the_one_that_it_looks_like() -> None:
    a, b = seen(0.0, x=0, who=person(1)), seen(0.0, x=200, who=person(2))
    moved_a, moved_b = seen(5.0, 1, x=200, who=person(1, 0.01)), seen(5.0, 1, x=0, who=person(2, 0.01))
    assert followed([a, b], [moved_b, moved_a]) == [[a, moved_a], [b, moved_b]]


def test_somebody_else_after_a_cut_is_another_track() -> None:
    a, b = seen(0.0, who=person(1)), seen(5.0, 1, who=person(2))
    assert followed([a], [b]) == [[a], [b]]


def test_who_cannot_be_recognised_goes_on_only_in_place() -> None:
    a, b, c, d = seen(0.0), seen(0.04, x=10), seen(5.0, 1, x=12), seen(9.0, 2, x=60)
    assert followed([a], [b], [c], [d]) == [[a, b, c], [d]]


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=4), max_size=8))
def test_every_face_is_in_one_track_and_none_twice_a_frame(frames: list[list[tuple[int, int]]]) -> None:
    people = [person(number) for number in range(4)]
    made = [
        [seen(0.04 * time, time // 3, x=30.0 * place, who=people[who]) for place, who in frame]
        for time, frame in enumerate(frames)
    ]
    tracks = followed(*made)
    assert sorted(id(one) for track in tracks for one in track) == sorted(id(one) for frame in made for one in frame)
    for track in tracks:
        times = [one.time for one in track]
        assert times == sorted(set(times))
    assert [len(track) for track in tracks] == sorted((len(track) for track in tracks), reverse=True)


def track_of(*odds: float | None, length: int = 4) -> Track:
    """Runs of `length` frames, a second apart."""
    return Track([seen(k // length + 0.04 * (k % length), k // length, odds=one) for k, one in enumerate(odds)])


def looked_at(track: Track) -> dict[int, tuple[float, float]]:
    runs = {one.run for one in track.seen}
    return {
        run: (
            min(one.time for one in track.seen if one.run == run),
            max(one.time for one in track.seen if one.run == run),
        )
        for run in runs
    }


@settings(deadline=None)
@given(st.lists(st.floats(-12, 12), min_size=3, max_size=48))
def test_the_answer_is_that_of_a_frame(odds: list[float]) -> None:
    found = temporal.conclude(track_of(*odds), HIGH, LOW)
    assert found is not None
    assert found.log_odds == median_low(odds)
    assert (found.finding in ("manipulated", "synthetic")) == (found.log_odds >= HIGH)
    if found.finding == "no_sign":
        assert found.log_odds <= LOW
        assert 2 * found.below > len(odds) > 2 * found.above


def test_a_part_above_the_line_keeps_a_clean_track_open() -> None:
    clean = [-4.0] * 12
    found = temporal.conclude(track_of(*clean), HIGH, LOW)
    assert found is not None and (found.finding, found.above, found.below) == ("no_sign", 0, 12)
    assert found.probability == pytest.approx(0.018, abs=1e-3)
    in_part = temporal.conclude(track_of(*clean, 5.0, 5.0, 5.0, 5.0), HIGH, LOW)
    assert in_part is not None and in_part.finding == "inconclusive"
    one_frame = temporal.conclude(track_of(*clean, 5.0, -4.0, -4.0, -4.0), HIGH, LOW)
    assert one_frame is not None and one_frame.finding == "no_sign"


def test_what_most_forged_frames_say_is_the_kind() -> None:
    track = Track([seen(0.04 * k, odds=5.0, synthetic=k < 2) for k in range(3)])
    found = temporal.conclude(track, HIGH, LOW)
    assert found is not None and found.finding == "synthetic"


def test_few_frames_are_no_track_record() -> None:
    assert temporal.conclude(track_of(5.0, 5.0, None, None), HIGH, LOW) is None


@settings(deadline=None)
@given(st.lists(st.floats(-12, 12) | st.none(), min_size=1, max_size=48), st.floats(0, 5))
def test_stretches_lie_side_by_side_and_segments_are_made_of_them(odds: list[float | None], more: float) -> None:
    track = track_of(*odds)
    duration = track.last.time + more
    stretches = temporal.timeline(track, looked_at(track), duration)
    assert len(stretches) == len({one.run for one in track.examined})
    assert all(a.end <= b.start for a, b in pairwise(stretches))
    assert all(0 <= one.start <= one.end <= duration for one in stretches)
    assert sum(one.frames for one in stretches) == len(track.examined)
    for one in track.examined:
        assert any(stretch.start <= one.time <= stretch.end for stretch in stretches)
    segments = temporal.segments(track, stretches, HIGH)
    inside = [one for one in stretches if any(s.start <= one.start and one.end <= s.end for s in segments)]
    assert inside == [one for one in stretches if one.log_odds >= HIGH]
    assert [one.log_odds for one in segments] == sorted((one.log_odds for one in segments), reverse=True)


def test_a_forged_part_is_found_in_time() -> None:
    track = track_of(*[-4.0] * 8, *[4.0] * 8, *[-4.0] * 8)
    (segment,) = temporal.segments(track, temporal.timeline(track, looked_at(track), 6.0), HIGH)
    assert (segment.start, segment.end) == pytest.approx((1.56, 3.56))
    assert (segment.frames, segment.log_odds) == (8, 4.0)
    assert segment.probability == pytest.approx(1 / (1 + math.exp(-4)))


def test_a_face_that_changes_for_a_frame_is_told() -> None:
    people = [person(1, 0.003 * k) for k in range(5)] + [person(2)]
    track = Track([seen(0.04 * k, who=who, odds=0.0) for k, who in enumerate(people)])
    found = temporal.drift(track)
    assert found is not None
    assert (found.unlike, found.frames) == (1, 6)
    assert found.at == pytest.approx(0.2)
    assert temporal.drift(Track(track.seen[:2])) is None


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(-30, 30), st.floats(0.7, 1.4))
def test_a_head_that_moves_steadily_does_not_tremble(turn: float, shift: float, size: float) -> None:
    def moved(k: int) -> np.ndarray:
        c, s = math.cos(turn * k), math.sin(turn * k)
        return np.asarray(size**k * SHAPE @ np.array([[c, s], [-s, c]]) + shift * k)

    still = temporal.jitter(Track([seen(0.04 * k, points=moved(k)) for k in range(4)]))
    assert still is not None and still[0] < 1e-6 and still[1] == 2


def test_trembling_is_measured_in_eye_distances() -> None:
    rng = np.random.default_rng(1)
    track = Track([seen(0.04 * k, points=SHAPE + rng.normal(0, 1, SHAPE.shape)) for k in range(8)])
    found = temporal.jitter(track)
    eyes = np.hypot(*(SHAPE[36:42].mean(axis=0) - SHAPE[42:48].mean(axis=0)))
    # The second difference of noise of 1 px in two directions has a root mean square of sqrt(6 x 2).
    assert found is not None and found[0] * eyes == pytest.approx(math.sqrt(12), rel=0.15)
    assert temporal.jitter(Track([seen(float(k), points=SHAPE) for k in range(8)])) is None


def test_flicker_is_within_runs() -> None:
    assert temporal.flicker(track_of(0.0, 1.0, 0.0, 1.0, 9.0, 10.0)) == (1.0, 4)
    assert temporal.flicker(track_of(0.0, length=1)) is None


def test_blinks_are_counted_where_they_begin_and_told_only_of_a_long_enough_watch() -> None:
    closed = [k % 100 in (50, 51, 52) for k in range(1000)]
    long = temporal.blinks(Track([seen(k / 25, closed=one) for k, one in enumerate(closed)]))
    assert (long.begun, long.closed, long.frames) == (10, 30, 1000)
    assert long.a_minute == pytest.approx(60 * 10 / (999 / 25))
    short = temporal.blinks(Track([seen(k / 25, closed=one) for k, one in enumerate(closed[:100])]))
    assert short.a_minute is None


def test_frames_far_apart_are_not_watched() -> None:
    assert temporal.blinks(Track([seen(k, closed=False) for k in range(100)])).watched == 0
