"""Whatever is seen in the frames of a video, the sentences on it are carried and exist in all languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from held import word
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import assert_shown_in_all_languages, assert_told_in_all_languages

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face
from faceagent.video import Gap, Video
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import FaceEmbedder
from faceagent_tools.forensics.ensemble import Examiner
from faceagent_tools.forensics.tracks import Seen, Track
from faceagent_tools.multitask import FaceReader
from faceagent_tools.video import TOO_SMALL, TRACKS, ExamineVideo
from faceagent_tools.video_evidence import Looked

REASONS = (
    TOO_SMALL,
    "less than half of the face lies inside the photo",
    "what was found there hardly looks like a face to the network that reads faces",
    "the head is turned too far to the side",
    "too little can be seen of the face, as where it is blurred, dark or covered",
    "it is compressed so strongly that the examination would raise too many false alarms",
    "it was enlarged about 2.6 times or is out of focus, and the examination calls too many authentic photos of this "
    "kind forged; a copy nearer to the original file may be judged",
    "its noise and frequencies are unlike those of the photos on which the examination was calibrated",
    "to the network it looks unlike the photos on which the examination was calibrated",
)
"""Why a frame is not examined: of `readable`, `forgery` and the tool itself."""
GAPS = ("frames could not be decoded (Invalid data found)", "the decoder says that the frame is damaged")
_EVENLY = st.sampled_from((True, False))


class Looks(ExamineVideo):
    """Has looked at videos already: what was seen in them is made up."""

    def __init__(self, looked: Mapping[str, Looked]) -> None:
        super().__init__(FaceDetector("yunet"), FaceReader(), FaceEmbedder(), Examiner())
        self.looked = looked

    def _look(self, video: Video) -> Looked:
        return self.looked[video.name]

    def _again(self, video: Video, times: set[float]) -> dict[float, Photo]:
        return {time: _still(video.name, time) for time in times}


@cache
def _still(name: str, time: float) -> Photo:
    return Photo.open(np.random.default_rng(hash((name, time)) % 2**32).integers(0, 9, (60, 60, 3)).astype(np.uint8))


@cache
def _person(number: int) -> Any:
    vector = np.random.default_rng(number).standard_normal(128)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@cache
def _points(number: int) -> Any:
    return np.random.default_rng(number).uniform(0, 60, (78, 2))


@st.composite
def _tracks(draw: st.DrawFn, times: Sequence[tuple[int, float]], place: int) -> Track:
    """A face in some of the frames: `times` are their runs and times."""
    first = draw(st.integers(0, len(times) - 1))
    last = draw(st.integers(first, len(times) - 1))
    low = draw(st.sampled_from((-12.0, -5.0, -0.7, 0.0, 1.6, 3.0, 11.0)))
    high = draw(st.sampled_from((low, low, 12.0)))
    unlike, whole = draw(st.sampled_from((0, 0, 3, 20))), draw(st.sampled_from((0.0, 0.0, 0.3, 1.0)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    reason, synthetic, blinking = draw(st.sampled_from(REASONS)), draw(_EVENLY), draw(st.sampled_from((0.0, 0.1, 0.5)))
    return Track(
        list(_seen(times[first : last + 1], place, (low, high), unlike, whole, rng, reason, synthetic, blinking))
    )


def _seen(
    times: Sequence[tuple[int, float]],
    place: int,
    odds: tuple[float, float],
    unlike: int,
    unexamined: float,
    rng: np.random.Generator,
    reason: str,
    synthetic: bool,
    blinking: float,
) -> Iterator[Seen]:
    for count, (run, time) in enumerate(times):
        box = Box(x0=20 * place, y0=5, x1=20 * place + 40 + count / 100, y1=45)
        face = Face(id=f"face 0.{place + 1}", image="image 0", box=box, score=0.9)
        if rng.random() < unexamined:
            yield Seen(time, run, face, reason=reason)
            continue
        one = float(rng.uniform(*odds)) if odds[0] < odds[1] else odds[0]
        yield Seen(
            time,
            run,
            face,
            _person(place + 10 * (count < unlike and count > 0)),
            _points(int(rng.integers(3))),
            bool(rng.random() < blinking),
            one,
            float(np.clip(1 / (1 + np.exp(-one)), 0.01, 0.99)),
            synthetic,
        )


@st.composite
def _looked(draw: st.DrawFn) -> tuple[Looked, bool]:
    """What came of looking at a video, and whether it has a sound track."""
    runs, length = draw(st.sampled_from(((12, 4), (1, 2), (1, 1), (3, 4), (1, 300), (0, 0))))
    duration = draw(st.sampled_from((0.04, 4.0, 12.345678, 3600.0, 61.5)))
    step = min(1 / 12, duration / max(runs * length, 1))
    times = [(run, duration * run / runs + step * count) for run in range(runs) for count in range(length)]
    looked = Looked(duration, draw(st.sampled_from((runs * length, runs * length + 3, 48, 400))))
    looked.frames, looked.keys = len(times), runs
    for run, time in times:
        looked.times[run] = (looked.times.get(run, (time, time))[0], time)
    looked.gaps = [Gap(1.0, 0, reason) for reason in draw(st.lists(st.sampled_from(GAPS), max_size=3))]
    faces = draw(st.integers(0, TRACKS)) if times else 0
    looked.tracks = tuple(draw(_tracks(times, place)) for place in range(faces))
    looked.others = draw(st.sampled_from((0, 0, 1, 5))) if faces == TRACKS else 0
    return looked, draw(_EVENLY)


def examined(
    videos: Sequence[tuple[Looked, bool]], photos: int, **arguments: Any
) -> tuple[list[Evidence], ExamineVideo, Session]:
    session = Session()
    for number in range(photos):
        image = session.add(_still("photo", number))
        box = Box(x0=0, y0=0, x1=30, y1=30)
        session.set_faces(image, [Face(id=f"face {number + 1}.1", image=image, box=box, score=1.0)])
    found: dict[str, Looked] = {}
    for number, (looked, sound) in enumerate(videos):
        name = f"clip {number}.mp4"
        found[name] = looked
        video = Video(name, Path(name), "0" * 64, 1000, looked.duration, 25.0, 60, 60, "h264", "mp4", sound)
        session.add_video(video)
    tool = Looks(found)
    rows = [session.ledger.record(row) for row in tool.run(session, tool.arguments(**arguments))]
    return rows, tool, session


@given(st.lists(_looked(), min_size=1, max_size=2), st.integers(0, 1))
@settings(max_examples=25)
def test_whatever_is_seen_every_sentence_is_carried(videos: list[tuple[Looked, bool]], photos: int) -> None:
    rows, tool, session = examined(videos, photos)
    word(tool, rows, session)
    for limit in {limit for row in rows for limit in row.limitations}:
        assert_told_in_all_languages(limit)
    for row in {(row.attribute, row.status, row.reason, row.value in (None, 0)): row for row in rows}.values():
        assert_shown_in_all_languages(row)
