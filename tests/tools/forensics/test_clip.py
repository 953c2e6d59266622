"""CLIP as a part of the forgery ensemble: where its weights are, and where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from held import call

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Evidence
from faceagent_tools import weights
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.forensics import clip, ensemble, windows
from faceagent_tools.forensics.clip import FEATURES, Clip, Probe, probe
from faceagent_tools.forensics.ensemble import PARTS, WITH_CLIP, Examiner, stack
from faceagent_tools.forensics.windows import KINDS, SIZE
from faceagent_tools.forgery import DetectForgery
from faceagent_tools.multitask import FaceReader

EXAMPLES = Path(__file__).parents[3] / "examples"
READER = FaceReader()


def test_the_classifier_that_ships() -> None:
    assert probe().weights.shape == (len(KINDS), FEATURES)
    assert probe().bias.shape == (len(KINDS),)
    assert np.isfinite(probe().weights).all()


def test_log_odds_are_those_of_all_kinds_of_forgery_together() -> None:
    bias = np.log(np.array([0.5, 0.25, 0.15, 0.1], np.float32))
    even = Probe(np.zeros((4, FEATURES), np.float32), bias)
    assert even.log_odds(np.zeros((2, FEATURES), np.float32)) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_a_face_is_seen_whole_through_one_window(portrait: Photo) -> None:
    pixels = portrait.pixels
    for side in (60.0, 160.0, 400.0):
        seen = windows.whole(pixels, (220.0, 120.0), side)
        assert seen.pixels.shape == (1, SIZE, SIZE, 3)
        assert seen.scale <= 1
        shown = windows.region(portrait.width, portrait.height, (220.0, 120.0), side)
        assert all((high - low) * seen.scale <= 1.4 * SIZE + 1 for low, high in shown.spans())


def test_without_its_weights_nothing_changes(portrait: Photo) -> None:
    assert weights.find(clip.WEIGHTS) is None  # conftest hides what was downloaded
    examiner = Examiner(clip=True)
    assert examiner.clip is None
    assert not examiner.stack.with_clip
    rows = _asked(portrait)
    assert {row.attribute for row in rows}.isdisjoint({"clip_traces"})
    assert "CLIP" not in next(row for row in rows if row.attribute == "forgery").method.name


def test_a_damaged_copy_is_told_and_not_passed_over(
    portrait: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path))
    (tmp_path / weights.row(clip.WEIGHTS).file).write_bytes(b"half of it")
    session = Session()
    session.add(portrait)
    tool = DetectForgery(READER)
    (outcome,) = Toolbox([DetectFaces(FaceDetector("faceagent")), tool]).call(session, tool.name, {})[1:]
    assert outcome.step.status == "failed"
    assert "models get clip-vit-b16" in outcome.step.message
    assert [row.here for row in tool.backends() if row.method.name == clip.WEIGHTS] == [False]


def test_both_calibrations_are_of_the_network_that_ships() -> None:
    assert tuple(stack().weights) == PARTS
    assert tuple(stack(True).weights) == WITH_CLIP
    assert stack(True).weights[ensemble.CLIP] > 0
    sha256 = weights.row("faceagent-forensic").sha256
    assert {stack(which).table["network_sha256"] for which in (False, True)} == {sha256}


@pytest.mark.usefixtures("clip_here")
def test_with_its_weights_it_is_one_of_the_parts(portrait: Photo) -> None:
    rows = _asked(portrait)
    answer = next(row for row in rows if row.attribute == "forgery")
    assert answer.value == "no_sign"
    assert answer.method is not None and answer.method.name.endswith("+ CLIP")
    assert answer.threshold is not None and "forgery_clip.json" in answer.threshold.source
    part = next(row for row in rows if row.attribute == "clip_traces")
    assert part.value == "no_sign"
    assert part.method is not None and part.method.sha256 == weights.row(clip.WEIGHTS).sha256
    assert set(answer.details["log_odds_by_part"]) == set(WITH_CLIP)  # type: ignore[arg-type]


@pytest.mark.usefixtures("clip_here")
def test_the_altered_portrait_does_not_look_clean_to_it() -> None:
    altered = next(row for row in _asked(Photo.open(EXAMPLES / "portrait-altered.jpg")) if row.attribute == "forgery")
    authentic = next(row for row in _asked(Photo.open(EXAMPLES / "portrait.jpg")) if row.attribute == "forgery")
    assert altered.value != "no_sign"
    assert authentic.value == "no_sign"


@pytest.mark.usefixtures("clip_here")
def test_what_it_sees_does_not_hang_on_what_else_is_looked_at(portrait: Photo) -> None:
    seen = windows.whole(portrait.pixels, (220.0, 120.0), 160.0).pixels
    other = np.full_like(seen, 128)
    alone, beside = Clip().features(seen)[0], Clip().features(np.concatenate([seen, other]))[0]
    assert alone.shape == (FEATURES,)
    assert np.corrcoef(alone, beside)[0, 1] > 0.98  # in 8 bits, the scale is that of all that is looked at together


def _asked(photo: Photo) -> list[Evidence]:
    rows, _, _ = call([DetectFaces(FaceDetector("faceagent")), DetectForgery(READER)], [photo])
    return rows
