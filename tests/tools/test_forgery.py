"""The forgery examination: findings and their words, abstentions, each part as evidence, and real photos end to end."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest
from conftest import EXAMPLES, as_jpeg
from held import call, sentences, told_below, word
from hypothesis import given
from hypothesis import strategies as st
from photo_files import drawn_anew
from PIL import Image
from placed import below

from faceagent.geometry import Point
from faceagent.ground import ground
from faceagent.media import Photo, Pixels
from faceagent.types import Box, Evidence, Face
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.forensics import ensemble, witnesses
from faceagent_tools.forensics.ensemble import PARTS, Examined, Examiner
from faceagent_tools.forensics.network import ForensicNetwork, Look
from faceagent_tools.forensics.windows import CELL
from faceagent_tools.forgery import DetectForgery, too_small
from faceagent_tools.multitask import FaceReader

READER = FaceReader()
SURE = 40.0
SWAP, SYNTHESIS = (0.1, 0.8, 0.05, 0.05), (0.05, 0.05, 0.85, 0.05)


@pytest.fixture(scope="module")
def portrait() -> Photo:
    """One face, saved as photos mostly are; the one that scikit-image ships was never compressed."""
    return Photo.open(EXAMPLES / "portrait.jpg")


@pytest.fixture(scope="module")
def group() -> Photo:
    """Two faces, both large enough to be judged."""
    small = Photo.open(EXAMPLES / "group.jpg").pixels
    return Photo.open(np.asarray(cv2.resize(small, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)), name="group")


class Says(ForensicNetwork):
    """A network that gives each face the next of some scores, and marks all of the photo where it is sure."""

    def __init__(self, *scores: float, kinds: tuple[float, ...] = SWAP, far: float = 1.0) -> None:
        super().__init__()
        self.scores, self.kinds, self.far = list(scores), np.array(kinds), far

    def look(self, pixels: Pixels, centre: Point, side: float) -> Look:
        score = self.scores.pop(0)
        height, width = pixels.shape[:2]
        cells = np.full((-(-height // CELL), -(-width // CELL)), 0.9 if score > 0 else 0.1)
        return Look(score, self.kinds, cells, self.far, 1.0)


def tools(*scores: float, kinds: tuple[float, ...] = SWAP) -> list:
    return [DetectFaces(FaceDetector("faceagent")), DetectForgery(READER, Examiner(Says(*scores, kinds=kinds)))]


def answer(rows: list[Evidence]) -> Evidence:
    (row,) = (row for row in rows if row.attribute == "forgery")
    return row


@pytest.mark.parametrize(
    ("score", "kinds", "value", "said"),
    [
        (SURE, SWAP, "manipulated", "support manipulation over no manipulation"),
        (SURE, SYNTHESIS, "synthetic", "made by a generator over a photograph"),
        (-SURE, SWAP, "no_sign", "no more traces of forgery than those of authentic photos"),
    ],
)
def test_the_network_carries_the_answer(
    portrait: Photo, score: float, kinds: tuple[float, ...], value: str, said: str
) -> None:
    rows, claims, session = call(tools(score, kinds=kinds), [portrait])
    row = answer(rows)
    assert row.value == value
    assert said in sentences(claims)
    assert row.probability is not None
    assert (row.probability.value > 0.5) == (score > 0)
    assert row.threshold is not None and row.score is not None
    assert row.threshold.holds(row.score)
    assert ("picture" in row.details) == (score > 0)
    if score > 0:
        assert session.picture(str(row.details["picture"]))


def test_between_the_lines_nothing_is_settled(portrait: Photo) -> None:
    rows, _, _ = call(tools(0.0), [portrait])
    others = answer(rows).score
    assert others is not None
    stack = ensemble.stack()
    score = ((stack.high + stack.low) / 2 - others) / stack.weights["network"]
    rows, claims, _ = call(tools(score), [portrait])
    assert answer(rows).value == "inconclusive"
    assert "do not settle whether it was altered or generated" in sentences(claims)
    assert "a larger or less compressed copy" in sentences(claims)


def test_of_a_photo_far_from_the_training_nothing_is_said(portrait: Photo) -> None:
    network = Says(SURE, far=2 * ensemble.stack().farthest)
    rows, claims, _ = call(
        [DetectFaces(FaceDetector("faceagent")), DetectForgery(READER, Examiner(network))], [portrait]
    )
    assert answer(rows).status == "abstained"
    assert "unlike the photos on which the examination was calibrated" in sentences(claims)


def test_faces_of_one_finding_share_a_sentence(group: Photo) -> None:
    _, claims, _ = call(tools(SURE, SURE), [group])
    assert "The pixels of face 1.1 and face 1.2 support manipulation" in sentences(claims)
    assert sum("equally likely beforehand" in claim.sentence for claim in claims) == 1


def test_faces_of_two_findings_do_not(group: Photo) -> None:
    _, claims, _ = call(tools(SURE, -SURE), [group])
    said = sentences(claims)
    assert "The pixels of face 1.1 support manipulation" in said
    assert "The pixels of face 1.2 bear no more traces" in said


@pytest.mark.parametrize("scores", [(SURE, SURE), (-SURE, SURE), (-SURE, -SURE), (0.0, 0.0)])
def test_that_only_faces_are_judged_is_said_once_for_all_faces(group: Photo, scores: tuple[float, ...]) -> None:
    rows, claims, _ = call(tools(*scores), [group])
    (said,) = (claim for claim in claims if claim.sentence.startswith("Only the pixels of faces are judged"))
    assert said.role == "doubt"
    assert set(said.evidence) == {row.id for row in rows if row.attribute == "forgery"}


def test_the_error_level_of_a_jpeg_is_a_picture(portrait: Photo) -> None:
    rows, _, session = call(tools(SURE), [portrait])
    (drawn,) = (row for row in rows if row.attribute == witnesses.ERROR_LEVEL)
    picture = session.picture(str(drawn.details["picture"]))
    assert picture is not None
    assert Photo.open(picture).pixels.max() > 0
    raw, _, _ = call(tools(SURE), [Photo.open(portrait.pixels, name="decoded")])
    assert [row.status for row in raw if row.attribute == witnesses.ERROR_LEVEL] == ["not_applicable"]


def test_every_part_is_evidence_with_a_line(portrait: Photo) -> None:
    rows, _, _ = call(tools(SURE), [portrait])
    parts = {row.attribute: row for row in rows if row.attribute not in ("forgery", "forgery_voice")}
    drawn = parts.pop(witnesses.ERROR_LEVEL)
    weighed = {witnesses.WEIGHED[name] for name in ensemble.PARTS}
    assert set(parts) == {*weighed, *(one.attribute for one in witnesses.APART)}
    assert (drawn.value, drawn.score, drawn.probability) == ("drawn", None, None)
    assert parts["network_traces"].value == "sign"
    for row in parts.values():
        assert row.limitations
        if row.status == "ok":
            assert row.threshold is not None and row.score is not None
            assert row.threshold.holds(row.score) == (row.value in ("sign", "unusual"))


def test_a_dissenting_part_is_said(portrait: Photo) -> None:
    rows, claims, _ = call(tools(SURE), [portrait])
    parts = [row for row in rows if row.attribute in witnesses.WEIGHED.values() and row.details["weight"]]
    quiet = [row for row in parts if row.value == "no_sign"]
    assert quiet, "the portrait shows no trace of a generator"
    assert sentences(claims).count("taken alone, does not reach its line") == len(quiet)


def test_a_part_that_alone_reaches_its_line_is_said_with_how_often_authentic_photos_do(portrait: Photo) -> None:
    rows, _, session = call(tools(-SURE), [portrait])
    (part,) = (row for row in rows if row.attribute == witnesses.WEIGHED["synthesis"])
    row = session.ledger.record(part.model_copy(update={"value": "sign"}))
    said = sentences(word(DetectForgery(READER), [answer(rows), row], session))
    assert "reaches its line, which one in twenty authentic photos does" in said


@pytest.mark.parametrize("one", witnesses.APART, ids=lambda one: one.attribute)
def test_what_is_beyond_the_ordinary_is_said(portrait: Photo, one: witnesses.Apart) -> None:
    rows, _, session = call(tools(SURE), [portrait])
    beyond = SimpleNamespace(features={one.feature: 1e3 if one.high else -1e3}, **{one.family: object()})
    examined = cast(Examined, SimpleNamespace(signals=beyond))
    row = session.ledger.record(witnesses._apart(one, examined, session.face("face 1.1")))
    assert row.value == "unusual"
    said = sentences(word(DetectForgery(READER), [answer(rows), row], session))
    assert "which about 2 in 100 authentic photos show as well" in said


def test_small_faces_are_not_judged(portrait: Photo) -> None:
    small = Photo.open(np.ascontiguousarray(portrait.pixels[::3, ::3]), name="small")
    rows, claims, _ = call([DetectFaces(FaceDetector("faceagent")), tools(SURE)[1]], [small])
    assert [(row.attribute, row.status) for row in rows] == [("forgery", "abstained")]
    (claim,) = claims
    assert "pixels wide" in claim.sentence


@given(below(ensemble.stack().smallest))
def test_a_face_that_is_too_small_is_not_said_to_be_large_enough(width: float) -> None:
    face = Face(id="face 1.1", image="image 1", box=Box(x0=0, y0=0, x1=width, y1=width), score=1.0)
    reason = too_small(face, ensemble.stack())
    assert reason is not None
    assert told_below(reason) == (int(width), ensemble.stack().smallest)


def test_what_is_unlike_the_calibration_is_not_judged(portrait: Photo) -> None:
    noise = np.random.default_rng(0).integers(-90, 90, portrait.pixels.shape)
    odd = Photo.open(np.clip(portrait.pixels.astype(int) + noise, 0, 255).astype(np.uint8), name="odd")
    rows, claims, _ = call(tools(SURE), [odd])
    assert answer(rows).status == "abstained"
    assert "were not judged, because" in sentences(claims)


def test_what_is_compressed_too_strongly_is_not_judged(portrait: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = dataclasses.replace(ensemble.stack(), blockiest=0.2)
    monkeypatch.setattr(ensemble, "stack", lambda *_: strict)
    assert answer(call(tools(SURE), [portrait])[0]).status == "ok"
    crushed = Photo.open(as_jpeg(portrait, quality=10), name="crushed")
    rows, claims, _ = call(tools(SURE), [crushed])
    assert answer(rows).status == "abstained"
    assert "compressed so strongly" in sentences(claims)


def test_of_a_face_that_was_enlarged_far_nothing_is_said(portrait: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = dataclasses.replace(ensemble.stack(), most_enlarged=1.8)
    monkeypatch.setattr(ensemble, "stack", lambda *_: strict)
    assert answer(call(tools(SURE), [portrait])[0]).status == "ok"
    larger = cv2.resize(portrait.pixels, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    faces = [DetectFaces(FaceDetector("faceagent")), tools(SURE)[1]]
    rows, claims, _ = call(faces, [Photo.open(np.asarray(larger, np.uint8), name="larger")])
    assert answer(rows).status == "abstained"
    assert "it was enlarged about 2." in sentences(claims)
    assert "a copy nearer to the original file may be judged" in sentences(claims)


@pytest.mark.parametrize("kernel", [Image.Resampling.LANCZOS, Image.Resampling.BICUBIC])
def test_an_authentic_photo_that_was_enlarged_is_not_called_synthetic(kernel: Image.Resampling) -> None:
    small = Image.open(EXAMPLES / "group.jpg").convert("RGB")
    large = small.resize((round(small.width * 2.2), round(small.height * 2.2)), kernel)
    photo = Photo.open(np.asarray(large), name="enlarged")
    rows, claims, _ = call([DetectFaces(FaceDetector("faceagent")), DetectForgery(READER)], [photo])
    found = [row for row in rows if row.attribute == "forgery"]
    assert len(found) == 2
    assert not {"synthetic", "manipulated"} & {str(row.value) for row in found}
    assert "a copy nearer to the original file may be judged" in sentences(claims)


def test_beside_an_accusation_an_enlargement_is_said(portrait: Photo) -> None:
    _, claims, _ = call(tools(SURE), [portrait])
    assert "was enlarged about" not in sentences(claims)
    larger = cv2.resize(portrait.pixels, None, fx=1.8, fy=1.8, interpolation=cv2.INTER_CUBIC)
    faces = [DetectFaces(FaceDetector("faceagent")), tools(SURE)[1]]
    rows, claims, session = call(faces, [Photo.open(np.asarray(larger, np.uint8), name="larger")])
    assert answer(rows).value == "manipulated"
    assert "was enlarged about 1." in sentences(claims) or "was enlarged about 2." in sentences(claims)
    assert not ground(claims, session.ledger.get).rejected


def test_a_photo_without_a_face_is_not_applicable(faceless: Photo) -> None:
    rows, claims, _ = call(tools(), [faceless])
    assert [(row.subject, row.status) for row in rows] == [("image 1", "not_applicable")]
    assert sentences(claims) == (
        "The pixels of the photo were not judged, because no face was found in it, and only faces are examined."
    )


@given(st.fixed_dictionaries({name: st.floats(-50, 50) for name in PARTS}))
def test_log_odds_rise_with_every_part(parts: dict[str, float]) -> None:
    stack = ensemble.stack()
    before = stack.log_odds(parts)
    assert math.isfinite(before)
    for name in PARTS:
        assert stack.log_odds({**parts, name: parts[name] + 1}) >= before


def test_lines_are_in_order_and_rates_are_shares() -> None:
    stack = ensemble.stack()
    assert stack.low < stack.high
    assert all(0 <= rate <= 1 for rate in stack.table["rates"].values())
    assert stack.table["rates"]["false_alarms"] < stack.table["rates"]["forgeries_found"]


def test_the_table_is_that_of_the_network_that_ships() -> None:
    from faceagent_tools import weights
    from faceagent_tools.forensics.network import WEIGHTS

    assert ensemble.stack().table["network_sha256"] == weights.row(WEIGHTS).sha256


def test_the_authentic_portrait_is_not_accused(portrait: Photo) -> None:
    rows, _, _ = call([DetectFaces(FaceDetector("faceagent")), DetectForgery(READER)], [portrait])
    assert answer(rows).value not in ("manipulated", "synthetic")


def test_a_face_that_was_drawn_anew_is_found_where_it_is(portrait: Photo) -> None:
    rows, claims, _ = call([DetectFaces(FaceDetector("faceagent")), DetectForgery(READER)], [drawn_anew(portrait)])
    found = answer(rows)
    assert found.value == "manipulated"
    assert found.region is not None and found.region.x0 > 140 and found.region.x1 < 300
    assert "The traces are strongest around" in sentences(claims)


def test_the_altered_portrait_bears_more_traces(portrait: Photo) -> None:
    altered = Photo.open(EXAMPLES / "portrait-altered.jpg")
    rows, _, _ = call([DetectFaces(FaceDetector("faceagent")), DetectForgery(READER)], [portrait, altered])
    before, after = (row for row in rows if row.attribute == "forgery")
    assert before.score is not None and after.score is not None
    assert after.score > before.score + 1


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ((SURE, -SURE), "Face 1.1 is more suspicious than face 1.2. "),
        ((-SURE, SURE), "Face 1.2 is more suspicious than face 1.1. "),
        ((SURE, SURE), "Neither face 1.1 nor face 1.2 stands out. "),
        ((-SURE, -SURE / 2), "Neither face 1.1 nor face 1.2 stands out. "),  # one is told to be as likely as the other
    ],
)
def test_asked_which_is_forged_that_is_answered_first(group: Photo, scores: tuple[float, ...], said: str) -> None:
    _, claims, _ = call(tools(*scores), [group], about=("which",))
    assert sentences(claims).startswith(said)
    stands_out = "more suspicious" in said
    assert ("A face that stands out need not be forged" in sentences(claims)) == stands_out
    _, claims, _ = call(tools(*scores), [group])
    assert said not in sentences(claims)


def test_of_one_face_nothing_stands_out(portrait: Photo) -> None:
    _, claims, _ = call(tools(SURE), [portrait], about=("which",))
    assert "stands out" not in sentences(claims)


@pytest.mark.parametrize("score", [SURE, -SURE])
def test_asked_about_the_background_that_it_was_not_judged_is_said_first_and_once(group: Photo, score: float) -> None:
    rows, claims, session = call(tools(score, score), [group], about=("outside",))
    first, *others = claims
    assert (first.role, first.sentence) == (
        "answer",
        "The pixels of the photo outside of faces were not judged, because only faces are examined: a change there can "
        "go unnoticed.",
    )
    assert [(row.subject, row.status) for row in rows if row.id in first.evidence] == [("image 1", "not_applicable")]
    judged = first.model_copy(update={"sentence": "The pixels of the photo outside of faces were judged."})
    assert ground([judged], session.ledger.get).rejected
    assert "unnoticed" not in sentences(others)
    assert "face 1.1 and face 1.2" in sentences(others)


def test_of_a_photo_without_a_face_it_is_said_once_that_nothing_was_judged(portrait: Photo, faceless: Photo) -> None:
    _, claims, _ = call(tools(SURE), [portrait, faceless], about=("outside",))
    said = sentences(claims)
    assert said.count("The pixels of image 1 outside of faces were not judged") == 1
    assert said.count("The pixels of image 2 were not judged") == 1
