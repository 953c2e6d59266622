"""A video examined with everything faked but the video: what is said of it, and that nothing in it is a crash."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av")

import forgery_fakes
from held import call, sentences, word
from readings import read_as
from videos import damaged, made

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Box, Claim, Evidence, Face
from faceagent.video import Video
from faceagent_tools import video as module
from faceagent_tools.embedding import Embedding, FaceEmbedder
from faceagent_tools.forensics import ensemble
from faceagent_tools.multitask import FaceReader, Reading
from faceagent_tools.video import ExamineVideo

SIZE = (240, 180)
STACK = dataclasses.replace(
    forgery_fakes.STACK,
    smallest=40.0,
    strangest=3.0,
    farthest=3.0,
    most_enlarged=4.0,
    table={"n": 1000, "calibrated_on": "made-up photos"},
)


def frame_of(photo: Photo) -> float:
    """Which frame of `videos.made` a photo is."""
    return float(photo.pixels[-8:].mean()) / 2


class Finder:
    """A face of 60 px at each of these places."""

    def __init__(self, *xs: float, width: float = 60.0) -> None:
        self.xs, self.width = xs, width

    def detect(self, photo: Photo, image_id: str) -> tuple[Face, ...]:
        number = image_id.removeprefix("image ")
        return tuple(
            Face(
                id=f"face {number}.{place}",
                image=image_id,
                box=Box(x0=x, y0=40, x1=x + self.width, y1=40 + self.width),
                score=0.9,
            )
            for place, x in enumerate(self.xs, start=1)
        )


class Reader(FaceReader):
    def read_photo(self, photo: Photo, face: Face) -> Reading:
        corner = np.array([face.box.x0, face.box.y0])
        points = corner + np.random.default_rng(0).uniform(0, face.box.width, (78, 2))
        return dataclasses.replace(read_as({}), points=points, openings=(0.3, 0.3, 0.0))


class Embedder(FaceEmbedder):
    """Who stands at the left is one person, who stands at the right another."""

    def embed(self, photo: Photo, face: Face) -> Embedding:
        vector = np.random.default_rng(face.box.centre[0] > SIZE[0] / 2).standard_normal(128)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


class Examiner:
    """Log odds by number of the frame; for a face at the right the opposite."""

    def __init__(self, forged: range, strange: float = 1.0) -> None:
        self.forged, self.strange = forged, strange

    def examine(self, photo: Photo, face: Face, points: Any) -> Any:
        odds = 4.0 if round(frame_of(photo)) in self.forged else -4.0
        odds = odds if face.box.centre[0] < SIZE[0] / 2 else -4.0
        likely = 1 / (1 + np.exp(-odds))
        return SimpleNamespace(
            log_odds=odds,
            probability=likely,
            synthetic=False,
            weighed=SimpleNamespace(strange=self.strange),
            look=SimpleNamespace(far=1.0),
            blockiness=0.0,
            enlarged=1.0,
        )


@pytest.fixture(autouse=True)
def stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "stack", lambda *_: STACK)
    monkeypatch.setattr(module, "eye_distance", lambda photo, face: face.box.width / 2)


def tool(
    *xs: float, forged: range = range(0), width: float = 60.0, strange: float = 1.0, **sample: int
) -> ExamineVideo:
    finder: Any = Finder(*xs, width=width)
    examiner: Any = Examiner(forged, strange)
    return ExamineVideo(finder, Reader(), Embedder(), examiner, **sample)


def examined(of: ExamineVideo, *paths: Path) -> tuple[list[Evidence], list[Claim], Session]:
    session = Session()
    for path in paths:
        session.add_video(Video.open(path))
    outcome = Toolbox([of]).call(session, of.name, {})[-1]
    assert outcome.step.status == "ok", outcome.step.message
    return list(outcome.evidence), word(of, outcome.evidence, session), session


def row(rows: Sequence[Evidence], attribute: str, subject: str | None = None) -> Evidence:
    (found,) = (one for one in rows if one.attribute == attribute and subject in (None, one.subject))
    return found


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("clip") / "clip.mp4", size=SIZE, sound=True)


def test_a_clean_video(clip: Path) -> None:
    rows, claims, _ = examined(tool(20), clip)
    assert row(rows, "frames").value == 48
    assert row(rows, "undecodable").value == 0
    forgery = row(rows, "forgery")
    assert (forgery.value, forgery.score, forgery.subject) == ("no_sign", -4.0, "face 1.1")
    assert forgery.probability is None
    assert len(forgery.details["timeline"]) == 12
    assert forgery.details["segments"] == []
    told = sentences(claims)
    assert (
        "No sign of manipulation or synthesis was found in the face, in the median of 48 frames of the video." in told
    )
    assert "48 frames were looked at, in 12 short runs spread over" in told
    assert "one face was followed through them." in told
    assert "suspicious" not in told
    assert str(row(rows, "blinks").reason).startswith("the frames that follow one another cover 1.4 seconds")
    assert "The sound of the video was not examined." in told


def test_a_forged_video(clip: Path) -> None:
    rows, claims, _ = examined(tool(20, forged=range(100)), clip)
    assert row(rows, "forgery").value == "manipulated"
    assert "48 of them are above the line" in sentences(claims)


def test_a_video_forged_in_part_stays_open_and_says_where(clip: Path) -> None:
    rows, claims, session = examined(tool(20, forged=range(50, 75)), clip)
    forgery = row(rows, "forgery")
    assert forgery.value == "inconclusive"
    ((start, end, share),) = forgery.details["segments"]
    assert (start, end) == pytest.approx((2.0, 3.0), abs=0.3)
    assert share == pytest.approx(0.982, abs=0.001)
    worst = row(rows, "worst_frame")
    assert 2.0 <= worst.value < 3.0
    assert worst.probability is not None and worst.probability.n == 1000
    assert session.picture(str(worst.details["picture"]))
    assert "The stretch of the face that stands out most is from" in sentences(claims)


class Drifting(Embedder):
    """In these calls somebody else is seen."""

    def __init__(self, *unlike: int) -> None:
        super().__init__()
        self.unlike, self.calls = unlike, 0

    def embed(self, photo: Photo, face: Face) -> Embedding:
        self.calls += 1
        found = super().embed(photo, face)
        return -found if self.calls in self.unlike else found


@pytest.mark.parametrize(
    ("unlike", "said"),
    [
        ((7,), "In one frame of 48 the face is less like itself than is usual from photo to photo."),
        ((7, 11, 30), "In 3 frames of 48 the face is less like itself than is usual from photo to photo."),
    ],
)
def test_frames_in_which_a_face_is_unlike_itself_are_told(clip: Path, unlike: tuple[int, ...], said: str) -> None:
    of = tool(20)
    of._embedder = Drifting(*unlike)
    rows, claims, _ = examined(of, clip)
    assert row(rows, "identity_drift").value == len(unlike)
    assert said in sentences(claims)


def test_two_people_are_two_faces_that_other_tools_can_be_asked_about(clip: Path) -> None:
    rows, claims, session = examined(tool(20, 160, forged=range(100)), clip)
    assert [one.subject for one in rows if one.attribute == "track"] == ["face 1.1", "face 1.2"]
    assert row(rows, "forgery", "face 1.1").value == "manipulated"
    assert row(rows, "forgery", "face 1.2").value == "no_sign"
    assert session.images == ("image 1",) == session.stills("video 1")
    assert [face.id for face in session.faces("image 1")] == ["face 1.1", "face 1.2"]
    assert session.photo("image 1").name.startswith("clip.mp4 at ")
    assert "Face 1.2" in sentences(claims) or "face 1.2" in sentences(claims)


def test_two_videos_are_called_by_their_ids(clip: Path) -> None:
    _, claims, session = examined(tool(20), clip, clip)
    assert session.videos == ("video 1", "video 2")
    assert "48 frames of video 2" in sentences(claims)


def test_asked_again_it_is_not_examined_again(clip: Path) -> None:
    of = tool(20)
    _, _, session = examined(of, clip)
    before = session.images
    again = Toolbox([of]).call(session, of.name, {"videos": ["video 1"]})[-1]
    assert session.images == before
    assert again.evidence


def test_nobody_to_be_seen(clip: Path) -> None:
    rows, claims, session = examined(tool(), clip)
    assert row(rows, "forgery").status == "not_applicable"
    assert session.stills("video 1") == ()
    assert "cannot be told, because no face was found in the frames looked at" in sentences(claims)


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (tool(20, width=35.0), "the face is smaller than those"),
        (tool(20, width=15.0), "the face is smaller than those"),
        (tool(20, strange=9.0), "unlike those of the photos"),
        (tool(20, runs=1, length=2), "it was seen in too few frames"),
    ],
)
def test_what_should_not_be_judged_is_not(clip: Path, of: ExamineVideo, reason: str) -> None:
    rows, claims, _ = examined(of, clip)
    forgery = row(rows, "forgery")
    assert (forgery.status, forgery.value) == ("abstained", None)
    assert reason in sentences(claims)


def test_blinks_are_told_of_a_long_watch(tmp_path: Path) -> None:
    path = made(tmp_path / "slow.mp4", size=SIZE, frames=560, rate=12)
    rows, claims, _ = examined(tool(20, runs=1, length=260), path)
    assert row(rows, "blinks").value == 0
    assert "blinks 0 times a minute; in conversation nearly all adults do 10.5 to 32.5" in sentences(claims)


def test_damage_is_evidence(tmp_path: Path) -> None:
    path = damaged(made(tmp_path / "clip.mp4", size=SIZE), 0.3, 0.5)
    rows, claims, _ = examined(tool(20), path)
    gaps = row(rows, "undecodable")
    frames = row(rows, "frames").value
    assert isinstance(frames, int) and 8 <= frames < 48
    assert gaps.value and len(gaps.details["places"]) == gaps.value
    assert "of the video could not be decoded." in sentences(claims)


def test_frames_that_are_not_there_are_missed(tmp_path: Path) -> None:
    path = damaged(made(tmp_path / "clip.mkv", size=SIZE), 0.2, 0.9)
    rows, claims, _ = examined(tool(20), path)
    frames = row(rows, "frames").value
    assert isinstance(frames, int) and frames < 20
    assert row(rows, "undecodable").details["missing_frames"] == 48 - frames
    assert f"{48 - frames} of the frames that the video should have at the places" in sentences(claims)


def test_a_file_that_breaks_off_still_counts(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceagent.errors import MediaError

    whole = Video.sample

    def broken(self: Video, runs: int = 12, length: int = 4) -> Any:
        for number, item in enumerate(whole(self, runs, length)):
            if number == 10:
                raise MediaError("clip.mp4 broke off")
            yield item

    session = Session()
    session.add_video(Video.open(clip))
    monkeypatch.setattr(Video, "sample", broken)
    of = tool(20)
    rows = Toolbox([of]).call(session, of.name, {})[-1].evidence
    assert row(rows, "frames").value == 10
    assert row(rows, "undecodable").details["places"][0]["why"].startswith("clip.mp4 broke off")
    assert row(rows, "forgery").value == "no_sign"


def test_an_unknown_video_is_refused() -> None:
    outcome = Toolbox([tool(20)]).call(Session(), "examine_video", {"videos": ["video 3"]})[-1]
    assert outcome.step.status == "refused"
    assert "This conversation has no video 3" in str(outcome.step.message)


def test_a_photo_session_has_nothing_to_say(portrait: Photo) -> None:
    assert call([tool(20)], [portrait])[0] == []
