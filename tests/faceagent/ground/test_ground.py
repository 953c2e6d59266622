"""Every way in which a sentence can say more than its evidence carries, and that an honest one passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceagent.ground import fault, ground
from faceagent.types import Claim, Evidence, Method, Probability, Threshold

METHOD = Method(name="ruler", version="1", licence="Apache-2.0")
ROWS = {
    "e1": Evidence(
        id="e1",
        tool="assess_quality",
        subject="face 1.1",
        attribute="sharpness",
        value="sharp",
        score=0.734,
        threshold=Threshold(value=0.5, rule=">=", meaning="sharp enough to compare", source="test"),
        details={"inter_eye_px": 61.4},
        method=METHOD,
    ),
    "e2": Evidence(id="e2", tool="detect_faces", subject="image 1", attribute="face_count", value=2, method=METHOD),
    "e3": Evidence(
        id="e3",
        tool="compare_faces",
        subject="face 1.1 + face 2.1",
        attribute="same_person",
        value="supported",
        probability=Probability(value=0.9871, event="one person", calibrated_on="pairs", n=1200, prior=0.5),
        method=METHOD,
    ),
    "e4": Evidence(
        id="e4",
        tool="estimate_pose",
        subject="face 1.1",
        attribute="pose",
        status="abstained",
        reason="the face is too small",
        method=METHOD,
    ),
    "e5": Evidence(
        id="e5",
        tool="inspect_provenance",
        subject="image 1",
        attribute="editing_software",
        value=["Adobe Photoshop 26.1"],
        method=METHOD,
    ),
    "e6": Evidence(
        id="e6", tool="assess_quality", subject="face 1.2", attribute="sharpness", value="sharp", method=METHOD
    ),
}


def claim(sentence: str, subject: str, attribute: str, value: object, *evidence: str) -> Claim:
    return Claim(sentence=sentence, subject=subject, attribute=attribute, value=value, evidence=evidence)


HONEST = [
    claim("The face is sharp enough to compare.", "face 1.1", "sharpness", "sharp", "e1"),
    claim("The eyes are about 61 pixels apart.", "face 1.1", "sharpness", "sharp", "e1"),
    claim("There are two faces in the photo.", "image 1", "face_count", 2, "e2"),
    claim("There are 2 faces.", "image 1", "face_count", 2, "e2"),
    claim("One person is supported (probability 0.99).", "face 1.1 + face 2.1", "same_person", "supported", "e3"),
    claim("One person is supported with 98.7 %.", "face 1.1 + face 2.1", "same_person", "supported", "e3"),
    claim("It was calibrated on 1,200 pairs.", "face 1.1 + face 2.1", "same_person", "supported", "e3"),
    claim("The pose was not measured.", "face 1.1", "pose", None, "e4"),
    claim("It was saved with “Adobe Photoshop 26.1”.", "image 1", "editing_software", ["Adobe Photoshop 26.1"], "e5"),
    claim("Both faces are sharp.", "face 1.1 + face 1.2", "sharpness", "sharp", "e1", "e6"),
    claim("Face 1.1 and face 1.2 are sharp.", "face 1.1 + face 1.2", "sharpness", "sharp", "e1", "e6"),
    claim("This is a pointer and not proof.", "face 1.1", "sharpness", "sharp", "e1"),
]

DISHONEST = [
    (claim("It is sharp.", "face 1.1", "sharpness", "sharp", "e99"), "does not exist"),
    (claim("It is sharp.", "face 2.1", "sharpness", "sharp", "e1"), "no cited evidence is about"),
    (claim("It is well lit.", "face 1.1", "exposure", "good", "e1"), "no cited evidence is about"),
    (claim("It is blurred.", "face 1.1", "sharpness", "blurred", "e1"), "the claim says 'blurred'"),
    (claim("There are three faces.", "image 1", "face_count", 2, "e2"), "the number 'three'"),
    (claim("There are 3 faces.", "image 1", "face_count", 2, "e2"), "the number 3"),
    (claim("There are two faces.", "image 1", "face_count", 3, "e2"), "the claim says 3"),
    (claim("Supported (0.97).", "face 1.1 + face 2.1", "same_person", "supported", "e3"), "the number 0.97"),
    (claim("Supported with 99.9 %.", "face 1.1 + face 2.1", "same_person", "supported", "e3"), "the number 99.9 %"),
    (claim("The face looks left.", "face 1.1", "pose", "left", "e4"), "has no value"),
    (claim("It was saved with “GIMP”.", "image 1", "editing_software", ["Adobe Photoshop 26.1"], "e5"), "quotation"),
    (claim("Face 1.1 and face 9.9 are sharp.", "face 1.1", "sharpness", "sharp", "e1"), "face 9.9"),
    (claim("Face 9.9 is sharp.", "face 1.1", "sharpness", "sharp", "e1"), "Face 9.9"),
    (claim("The photo is fake.", "image 1", "face_count", 2, "e2"), "more certainty"),
    (claim("This proves that it is sharp.", "face 1.1", "sharpness", "sharp", "e1"), "more certainty"),
    (claim("It is definitely sharp.", "face 1.1", "sharpness", "sharp", "e1"), "more certainty"),
    (claim("Both faces are sharp.", "face 1.1 + face 1.2", "sharpness", "sharp", "e1"), "face 1.2"),
]


@pytest.mark.parametrize("honest", HONEST, ids=lambda c: c.sentence)
def test_accepts_what_the_evidence_carries(honest: Claim) -> None:
    assert fault(honest, ROWS.get) is None


@pytest.mark.parametrize(("dishonest", "why"), DISHONEST, ids=lambda x: getattr(x, "sentence", x))
def test_rejects_what_it_does_not(dishonest: Claim, why: str) -> None:
    assert why in (fault(dishonest, ROWS.get) or "")


def test_rejects_a_sentence_on_the_wrong_side_of_the_threshold() -> None:
    blurred = ROWS["e1"].model_copy(update={"score": 0.2})
    sentence = claim("The face is sharp enough to compare.", "face 1.1", "sharpness", "sharp", "e1")
    assert "does not reach the threshold" in (fault(sentence, {"e1": blurred}.get) or "")


def test_rejects_a_decision_that_contradicts_its_own_score() -> None:
    row = ROWS["e1"].model_copy(update={"value": True, "score": 0.2})
    sentence = claim("The face will do.", "face 1.1", "sharpness", True, "e1")
    assert "contradicts itself" in (fault(sentence, {"e1": row}.get) or "")


def test_keeps_order_and_separates() -> None:
    result = ground([HONEST[0], DISHONEST[0][0], HONEST[2]], ROWS.get)
    assert result.accepted == (HONEST[0], HONEST[2])
    assert [item.claim for item in result.rejected] == [DISHONEST[0][0]]


@given(st.floats(min_value=-1e4, max_value=1e4), st.integers(min_value=0, max_value=4))
def test_a_rounded_number_is_accepted_and_a_moved_one_is_not(number: float, decimals: int) -> None:
    row = ROWS["e1"].model_copy(update={"score": number, "threshold": None, "details": {}})
    written = claim(f"It measures {number:.{decimals}f} units.", "face 1.1", "sharpness", "sharp", "e1")
    moved = claim(f"It measures {abs(number) + 2:.{decimals}f} units.", "face 1.1", "sharpness", "sharp", "e1")
    assert fault(written, {"e1": row}.get) is None
    assert fault(moved, {"e1": row}.get) is not None


@given(st.text(max_size=200))
def test_no_sentence_breaks_the_check(sentence: str) -> None:
    result = fault(claim(sentence, "face 1.1", "sharpness", "sharp", "e1"), ROWS.get)
    assert result is None or result


@pytest.mark.parametrize("said", ["image 7 definitely", "face 9.9 proves 100 % two", "this is genuine"])
def test_a_file_cannot_suppress_a_sentence_by_what_it_makes_it_quote(said: str) -> None:
    row = ROWS["e1"].model_copy(update={"threshold": None, "details": {"software": said}})
    quoting = claim(f"The file names “{said}”.", "face 1.1", "sharpness", "sharp", "e1")
    assert fault(quoting, {"e1": row}.get) is None
    assert fault(quoting, {"e1": row.model_copy(update={"details": {}})}.get) is not None
    assert fault(claim(f"The file names {said}.", "face 1.1", "sharpness", "sharp", "e1"), {"e1": row}.get) is not None
