"""Every way in which a sentence can say more than its evidence carries, and that an honest one passes."""

from __future__ import annotations

from typing import Any

import pytest
from ground_rows import ROWS as FACES
from hypothesis import given
from hypothesis import strategies as st

from faceagent.ground import fault, ground
from faceagent.types import Box, Claim, Evidence, Method, Probability, Threshold

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


@pytest.mark.parametrize(("pixels", "right"), [(22, False), (23, True), (24, True), (25, False)])
def test_a_width_is_said_as_the_nearest_or_in_whole_pixels(pixels: int, right: bool) -> None:
    row = ROWS["e4"].model_copy(update={"region": Box(x0=0, y0=0, x1=23.6, y1=23.6)})
    sentence = claim(f"The pose was not measured: the size is {pixels} pixels.", "face 1.1", "pose", None, "e4")
    assert (fault(sentence, {"e4": row}.get) is None) is right


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


# Names


def candidate(name: str, similarity: float, probability: float) -> dict[str, Any]:
    return {"name": name, "similarity": similarity, "probability": probability, "protected": False}


ADA, BOB, CY = "Ada Lovelace", "Bob Stone", "Will May"
LOOKED_UP = {
    "face 1.1": ("supported", [candidate(ADA, 0.8, 0.98), candidate(BOB, 0.2, 0.03)]),
    "face 1.2": ("unknown", [candidate(BOB, 0.4, 0.31), candidate(ADA, 0.1, 0.02)]),
    "face 1.3": ("undecided", [candidate(ADA, 0.75, 0.7), candidate(BOB, 0.7, 0.65), candidate(CY, 0.1, 0.02)]),
}


def _named() -> dict[str, Evidence]:
    line = Threshold(value=0.6, rule=">=", meaning="alike enough to be named", source="test")
    made: list[dict[str, Any]] = [
        {"tool": "identify_person", "subject": face, "attribute": "identity", "value": value}
        | {"score": found[0]["similarity"], "threshold": line, "details": {"candidates": found, "enrolled": 3}}
        | {
            "probability": Probability(
                value=found[0]["probability"], event="it shows the first", calibrated_on="x", n=9
            )
        }
        for face, (value, found) in LOOKED_UP.items()
    ]
    made += [
        {"tool": "verify_protected_identity", "subject": "face 1.1", "attribute": "protected_identity"}
        | {"value": "other", "details": {"name": "Eve Hill", "photos": 5, "likeness": 0.4}},
        {"tool": "inspect_provenance", "subject": "image 1", "attribute": "capture_record", "value": ["model"]}
        | {"details": {"maker": "Canon", "model": "EOS 5D", "artist": "John Doe"}},
        {"tool": "estimate_attributes", "subject": "face 1.1", "attribute": "perceived_ethnicity", "value": "White"}
        | {"details": {"leading": "White"}}
        | {
            "probability": Probability(
                value=0.8, event="people who label photos would choose it", calibrated_on="x", n=9
            )
        },
    ]
    rows = dict(FACES)
    for fields in made:
        row = Evidence(id=f"e{len(rows) + 1}", method=METHOD, **fields)
        rows[row.id] = row
    return rows


NAMED = _named()
A, B, C, D = "face 1.1", "face 1.2", "face 1.3", "face 2.1"
SAME, OTHER = f"{A} + {D}", f"{B} + {D}"


def held(sentence: str, attribute: str, *subjects: str, also: str = "", faces: list[str] | None = None) -> str | None:
    """What is wrong with a claim on the first subject that cites the evidence on all, and on `also` of the first."""
    found = {(row.subject, row.attribute): row for row in NAMED.values()}
    rows = [found[subject, attribute] for subject in subjects]
    cited = [*rows, *([found[subjects[0], also]] if also else [])]
    first = rows[0]
    return fault(
        claim(sentence, first.subject, attribute, first.value, *(row.id for row in cited)), NAMED.get, faces=faces
    )


@pytest.mark.parametrize(
    ("sentence", "attribute", "subjects"),
    [
        ("Face 1.1 very likely shows “Bob Stone”.", "identity", (A,)),
        ("Face 1.2 is “Bob Stone”.", "identity", (B,)),
        ("Face 1.2: “Bob Stone”.", "identity", (B,)),
        ("Face 1.2 matches “Bob Stone”.", "identity", (B,)),
        ("The name of face 1.2 is “Bob Stone”.", "identity", (B,)),
        ("The person in face 1.2 is named “Ada Lovelace”.", "identity", (B,)),
        ("Face 1.3 is “Ada Lovelace”.", "identity", (C,)),
        ("Whether face 1.3 is “Will May” cannot be decided.", "identity", (C,)),
        ("Whether face 1.1 is “Ada Lovelace” cannot be decided.", "identity", (A,)),
        ("Face 1.3 is Will May.", "identity", (C,)),
        ("Face 1.1 shows “Ada”.", "identity", (A,)),
        ("Face 1.1 is not “Ada Lovelace”.", "identity", (A,)),
        ("Face 1.2 does not look unlike “Bob Stone”.", "identity", (B,)),
        ("Face 1.1 shows “Ada Lovelace” or “Bob Stone”.", "identity", (A,)),
        ("Face 1.1 does not seem to be “Bob Stone”, “Ada Lovelace”.", "identity", (A,)),
        ("Face 1.1 and face 1.2 are “Ada Lovelace”.", "identity", (A, B)),
        ("“Ada Lovelace” is not alike enough to face 1.1 to be named.", "identity", (A,)),
        ("“Bob Stone” is the person in face 1.2, but not alike enough to be named.", "identity", (B,)),
        ("Of those enrolled, “Ada Lovelace” comes first for face 1.2, but is not alike enough.", "identity", (B,)),
        ("“Bob Stone” is a protected person of this gallery.", "identity", (A,)),
        ("Face 1.1 shows “Ada Lovelace” (probability 0.03).", "identity", (A,)),
        ("The probability that face 1.1 shows “Bob Stone” is 0.98.", "identity", (A,)),
        ("Face 1.1 is “Eve Hill”.", "protected_identity", (A,)),
        ("Face 1.1 comes from a photo of “Eve Hill”.", "protected_identity", (A,)),
        ("The person in image 1 is “John Doe”.", "capture_record", ("image 1",)),
        ("“John Doe” is in image 1.", "capture_record", ("image 1",)),
        ("The photo is of “John Doe”.", "capture_record", ("image 1",)),
        ("Face 1.1 looks “male”.", "perceived_gender", (A,)),
        ("Face 1.1 has a “beard”.", "visible_attributes", (A,)),
        ("Face 1.2 and face 2.1 seem “supported”.", "same_person", (OTHER,)),
        ("People who label photos would probably put face 1.1 in the category “Black”.", "perceived_ethnicity", (A,)),
        ("The records mention “Adobe Photoshop 26”.", "editing_software", ("image 1",)),
    ],
)
def test_nobody_is_named_whom_the_evidence_does_not_name(
    sentence: str, attribute: str, subjects: tuple[str, ...]
) -> None:
    assert held(sentence, attribute, *subjects)


@pytest.mark.parametrize(
    ("sentence", "attribute", "subjects"),
    [
        ("Face 1.1 shows “Ada Lovelace”.", "identity", (A,)),
        ("Face 1.1 is probably “Ada Lovelace”.", "identity", (A,)),
        ("The evidence supports that face 1.1 shows “Ada Lovelace” (probability 0.98).", "identity", (A,)),
        ("The probability that face 1.1 shows “Ada Lovelace” is 0.98.", "identity", (A,)),
        (
            "Whether face 1.3 shows “Ada Lovelace” (probability 0.70) or “Bob Stone” (0.65) cannot be decided.",
            "identity",
            (C,),
        ),
        ("“Bob Stone” is not alike enough to face 1.2 to be named (probability 0.31).", "identity", (B,)),
        ("Face 1.2 does not match “Ada Lovelace”.", "identity", (B,)),
        ("Face 1.1 looks “female”.", "perceived_gender", (A,)),
        ("People who label photos would probably put face 1.1 in the category “White”.", "perceived_ethnicity", (A,)),
        ("The file carries the record of a camera (“Canon” “EOS 5D”).", "capture_record", ("image 1",)),
    ],
)
def test_a_name_is_said_as_the_evidence_has_it(sentence: str, attribute: str, subjects: tuple[str, ...]) -> None:
    assert held(sentence, attribute, *subjects) is None


# Numbers


@pytest.mark.parametrize(
    "sentence",
    [
        "Face 1.1 looks like a 65-year-old.",
        "Face 1.1 looks like a sixty-five-year-old.",
        "Age of face 1.1:65.",
        "Face 1.1 looks 65years old.",
        "Face 1.1 is one year old.",
        "Face 1.1 is in the 40s.",
        "Face 1.1 has an age of 43.",
        "Face 1.1's age is about 43.",
        "Age of face 1.1: 43 years.",
        "Face 1.1: 43.",
        "Face 1.1 (43) is on the left.",
        "Face 1.1 is estimated at 43.",
        "Face 1.1 looks more than 43 years old.",
        "Face 1.1 looks less than 26 years old.",
        "The age of face 1.1 lies between 34 and 43.",
        "Face 1.1 is aged 26-34.",
        "The range of face 1.1 starts at 34.",
        "Face 1.1 has 34 as the upper end of its range.",
        "Face 1.1 is not 34 years old.",
        "Face 1.1 does not look 34.",
        "Face 1.1 looks 5.3 years old.",
        "Face 1.1 looks 34, 43 years off.",
        "Face 1.1 looks 34 in 80 % of the photos.",
        "Face 1.1 was 34 some years before.",
        "All the faces look 34 years old.",
        "Nobody looks 34.",
        "Face 1.1 is an old adult.",
    ],
)
def test_no_other_number_is_said_of_an_age(sentence: str) -> None:
    assert held(sentence, "age", A)
    assert held(sentence, "sharpness", A, also="age")


@pytest.mark.parametrize(
    "sentence",
    [
        "Face 1.1's age is about 34.",
        "Face 1.1’s age is about 34.",
        "Face 1.1 is a 34-year-old.",
        "Face 1.1 looks thirty-four years old.",
        "Face 1.1 is in the 30s.",
        "The age of face 1.1 is 34 (26–43).",
        "The age of face 1.1 lies between 26 and 43.",
        "The age of face 1.1 lies between twenty-six and forty-three.",
        "The age of face 1.1 is 34, give or take 5 years.",
        "Face 1.1 looks about 34 years old; for about 80 % of such faces the true age lies between 26 and 43.",
    ],
)
def test_an_age_is_said_with_its_range_and_error(sentence: str) -> None:
    assert held(sentence, "age", A) is None


@pytest.mark.parametrize(
    ("sentence", "attribute", "subjects"),
    [
        ("The chance that face 1.2 and face 2.1 are one is 50 %.", "same_person", (OTHER,)),
        ("There is a 50 % chance that face 1.2 and face 2.1 are one.", "same_person", (OTHER,)),
        ("Face 1.1 and face 2.1 show the same person with 50 %.", "same_person", (SAME,)),
        ("Face 1.1 and face 2.1 show the same person with a probability of 1.", "same_person", (SAME,)),
        ("The likelihood that face 1.2 and face 2.1 show the same person is 0.996.", "same_person", (OTHER,)),
        ("The probability that face 1.1 and face 2.1 show different people is 0.987.", "same_person", (SAME,)),
        ("The probability that face 1.1 is synthetic is 0.91.", "forgery", (A,)),
        ("The probability that face 1.2 was altered is 0.92.", "forgery", (B,)),
        ("Face 1.2's authentic.", "forgery", (B,)),
        ("The face's authentic.", "forgery", (B,)),
        ("Face 1.1 looks happy (18 %).", "expression", (A,)),
        ("Face 1.1 was seen in 900 photos.", "perceived_gender", (A,)),
        ("Face 1.2 is 62 % sharp.", "sharpness", (B,)),
        ("Face 1.1 has 0.5 as its score.", "sharpness", (A,)),
        ("The threshold for face 1.1 is 0.9.", "sharpness", (A,)),
        ("Face 1.2 is raised by 31 degrees.", "pose", (B,)),
        ("Face 1.1 wears 2 glasses.", "visible_attributes", (A,)),
        ("Face 1.2 looks 34 years older than face 1.1.", "age", (B, A)),
        ("Face 1.2 looks older than face 1.1 by 34 years.", "age", (B, A)),
        ("Face 1.1 and face 1.2 look 51 and 34 years old, respectively.", "age", (A, B)),
        ("Face 1.2 is the subject; it looks 34 years old.", "age", (A, B)),
        ("Face 1.1 is younger than both face 1.2 and face 1.3.", "age", (A, B, C)),
        ("Of the two, face 1.1 looks older than face 1.2.", "age", (A, B)),
        ("Face 1.3 is an adult.", "age", (C,)),
    ],
)
def test_a_number_is_said_as_what_it_is(sentence: str, attribute: str, subjects: tuple[str, ...]) -> None:
    assert held(sentence, attribute, *subjects)


@pytest.mark.parametrize(
    ("sentence", "attribute", "subjects"),
    [
        ("Face 1.2's head is turned about 31 degrees to the left.", "pose", (B,)),
        ("The probability that face 1.2 and face 2.1 show the same person is 0.004.", "same_person", (OTHER,)),
        ("The probability that face 1.2 and face 2.1 are the same person is 0.004.", "same_person", (OTHER,)),
        ("The probability that face 1.2 and face 2.1 show different people is about 0.99.", "same_person", (OTHER,)),
        ("The chance of the same person is 0.4 % for face 1.2 and face 2.1.", "same_person", (OTHER,)),
        ("There is a 98.7 % chance that face 1.1 and face 2.1 show the same person.", "same_person", (SAME,)),
        ("The probability that face 1.2 was not altered is 0.92.", "forgery", (B,)),
        ("Face 1.1 looks happy (82 %).", "expression", (A,)),
        ("The threshold for face 1.1 is 0.5.", "sharpness", (A,)),
        ("Face 1.2 looks older than face 1.1 by 17 years.", "age", (B, A)),
        ("Face 1.1 and face 1.2 look 34 and 51 years old, respectively.", "age", (A, B)),
        ("Face 1.3 is younger than both face 1.1 and face 1.2.", "age", (C, A, B)),
        ("Of the two, face 1.2 looks older than face 1.1.", "age", (B, A)),
    ],
)
def test_a_true_number_is_said(sentence: str, attribute: str, subjects: tuple[str, ...]) -> None:
    assert held(sentence, attribute, *subjects) is None


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("Two of the three faces are sharp.", True),
        ("One of the three faces is blurred.", True),
        ("Two of the three faces are blurred.", False),
        ("Two of the four faces are sharp.", False),
        ("The three faces are sharp.", False),
    ],
)
def test_a_share_of_the_faces_in_view_is_counted(sentence: str, right: bool) -> None:
    assert (held(sentence, "sharpness", A, B, C, faces=[A, B, C]) is None) is right


def test_where_nobody_else_is_in_view_nothing_is_said_of_the_others() -> None:
    sentence = "Face 1.1 is sharp; the others are blurred."
    assert "no other faces" in str(held(sentence, "sharpness", A, faces=[A]))


@pytest.mark.parametrize(
    ("sentence", "faces", "right"),
    [
        ("The faces in image 1 and image 2 likely show the same person.", [A, D], True),
        ("The face in image 1 and the person in photo 2 likely show the same person.", [A, D], True),
        ("The faces in image 1 and image 2 likely show different people.", [A, D], False),
        ("The person in image 1 is the person in image 2.", [A, D], False),
        ("The faces in image 1 and image 2 likely show the same person.", [A, B, D], False),
    ],
)
def test_the_one_face_of_a_photo_may_be_named_by_the_photo(sentence: str, faces: list[str], right: bool) -> None:
    assert (held(sentence, "same_person", SAME, faces=faces) is None) is right
