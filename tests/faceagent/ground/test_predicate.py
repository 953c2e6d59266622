"""What a clause says was held against evidence: bare answers, signs and harmless words are no findings."""

from __future__ import annotations

import pytest
from ground_attacks import OPEN, OTHERS, PAIR, A, B, C, D
from ground_rows import METHOD, ROWS, claim
from pydantic import JsonValue

from faceagent.ground import fault
from faceagent.types import Claim, Evidence

Sentences = dict[tuple[str, ...], tuple[str, ...]]
ANSWERS: Sentences = {
    ("same_person", OTHERS): (
        *("Yes.", "Yes, they do.", "The answer is yes.", "That is right.", "Correct.", "It is so.", "They do."),
        *("Yes (0.004).", "They do (0.004).", "Face 1.2 and face 2.1 do.", "So it is.", "Indeed."),
    ),
    ("same_person", PAIR): ("The answer is no.", "They do not.", "No.", "No (0.987)."),
    ("forgery", B): ("Yes.", "True.", "That is so."),
    ("forgery", A): ("No.", "It is not so."),
}
SIGNS: Sentences = {
    ("same_person", OTHERS): ("Face 1.2 = face 2.1.", "Face 1.2 ≡ face 2.1 ✓", "Face 1.2 → face 2.1 (0.004)."),
    ("perceived_gender", A): ("Face 1.1: 👨", "Face 1.1: ♂"),
    ("age", A, B): ("Face 1.1 > face 1.2 in age.",),
    ("sharpness", A): ("Face 1.1 is sharp :(", "Face 1.1 is sharp ✗", "Face 1.1 is sharp ①"),
}
LOOSE: Sentences = {
    ("same_person", OTHERS): (
        *("Face 1.2 and face 2.1 look like relatives.", "Face 1.2 and face 2.1 look like twins."),
        *("Face 1.2 and face 2.1 are very much alike.", "Face 1.2 and face 2.1 are similar."),
        *("Face 1.2 and face 2.1 seem alike (probability of the same person 0.004).",),
        *("The likeness of face 1.2 and face 2.1 is great.", "The evidence supports it (0.004)."),
        *("Face 1.2 and face 2.1 show different people, and they are twins.", "The likeness is enough (0.004)."),
    ),
    ("same_person", PAIR): ("The evidence does not support that (0.987).", "Nothing speaks for it (0.987)."),
    ("forgery", A): (
        *("Face 1.1 looks authentic.", "The pixels of face 1.1 support an authentic photo."),
        *("The pixels of face 1.1 are those of a photograph.", "The examination found nothing."),
        *(
            "The pixels of face 1.1 support a photograph over manipulation.",
            "The pixels (0.91) come from a photograph.",
        ),
    ),
    ("forgery", B): (
        *("Face 1.2 looks faked.", "Face 1.2 stands out.", "Face 1.2 is above the line.", "The traces are strong."),
        *("The pixels of face 1.2 (0.08) bear signs of a generator.", "AI made face 1.2 (0.08)."),
        *("The traces of face 1.2 are strongest around the eyes.", "Traces were found in face 1.2 (0.08)."),
    ),
    ("visible_attributes", A): (
        *("Face 1.1 has brown skin.", "Face 1.1 has brown eyes.", "Face 1.1 has grey eyes.", "Face 1.1 is blond."),
        *("The mouth of face 1.1 is slightly open.", "Face 1.1 smiles and has brown skin.", "Face 1.1 has long hair."),
    ),
    ("sharpness", A): (
        *("Face 1.1 looks unreliable.", "Face 1.1 has a big nose.", "Face 1.1 has a weak chin."),
        *("The person is alone in photo 1.", "Face 1.1 is sharp and alone in photo 1.", "Face 1.1 is sharp and short."),
        *("Face 1.1 is sharp and looks unreliable.", "Face 1.1 is sharp and has a big nose."),
        *("Face 1.1 is sharp and has no eyes.", "Face 1.1 is sharp and seems to lie.", "Face 1.1 is sharp and known."),
        *(
            "Face 1.1 is sharp, calm.",
            "Face 1.1 is sharp and of low quality.",
            "Face 1.1 is sharp and in the background.",
        ),
    ),
    ("expression", A): ("Face 1.1 looks calm.", "Face 1.1 looks happy and calm.", "Face 1.1 is in a good mood."),
    ("age", C): ("Face 1.3 looks about 17 years old and single.", "Face 1.3 looks about 17 years old and of age."),
    ("editing_software", "image 1"): ("The records mention “Adobe Photoshop 26.1”, a sign of deception.",),
}
HONEST: Sentences = {
    ("sharpness", A): (
        *("Face 1.1 has a sharpness score of 0.9.", "Face 1.1 appears sharp, with a score of 0.90."),
        *("The measurement shows that face 1.1 is sharp.", "The sharpness of face 1.1 was measured."),
    ),
    ("sharpness", C): ("Face 1.3 is blurred, so it is not sharp.", "Face 1.3 is too blurred."),
    ("forgery", A): ("Face 1.1 shows traces of manipulation.", "The pixels support manipulation (probability 0.91)."),
    ("visible_attributes", A): ("Face 1.1 is smiling and wearing glasses.", "No hat is visible on face 1.1."),
    ("same_person", OPEN): ("It is not possible to say whether face 1.3 and face 2.1 show the same person.",),
    ("age", D): ("The age of face 2.1 was not estimated, because the face is only 18 pixels wide.",),
    ("face_count", "image 1"): ("Three faces were detected in image 1.", "The number of faces in image 1 is 3."),
    ("editing_software", "image 1"): ("Image 1 was saved with “Adobe Photoshop 26.1”.",),
}


def claims(sentences: Sentences) -> list[Claim]:
    return [claim(one, *about) for about, listed in sentences.items() for one in listed]


@pytest.mark.parametrize("said", claims(ANSWERS), ids=lambda c: f"{c.sentence} {c.attribute}")
def test_a_bare_answer_is_refused(said: Claim) -> None:
    assert fault(said, ROWS.get)


@pytest.mark.parametrize("said", claims(SIGNS), ids=lambda c: c.sentence)
def test_a_sign_is_no_word(said: Claim) -> None:
    assert fault(said, ROWS.get)


@pytest.mark.parametrize("said", claims(LOOSE), ids=lambda c: c.sentence)
def test_what_was_held_against_nothing_is_refused(said: Claim) -> None:
    assert fault(said, ROWS.get)


@pytest.mark.parametrize("said", claims(HONEST), ids=lambda c: c.sentence)
def test_a_finding_in_plain_words_is_not(said: Claim) -> None:
    assert fault(said, ROWS.get) is None


@pytest.mark.parametrize(
    ("attribute", "value", "sentence"),
    [
        ("liveness", "attack", "Face 1.1 passes."),
        ("content_credentials", "absent", "The record was removed."),
        ("digital_source_type", "not_stated", "The records state that the picture was captured from a screen."),
        ("digital_source_type", "print", "The records state that the picture was captured from a screen."),
        ("capture_record", [], "A camera took the picture."),
        ("capture_record", ["place"], "The file does not say where the picture was taken."),
        ("exposure", "too_dark", "The light is good."),
        ("noise", "strong", "The noise is low."),
        ("fitness", [], "Face 1.1 will do for a passport."),
        ("thumbnail", "agrees", "The photo was changed."),
        ("eyes", {"nearer_left_edge": "open", "nearer_right_edge": "open"}, "One eye is closed."),
        ("mouth", "closed", "The mouth is a little open."),
        ("reidentification", "recognisable", "Face 1.1 is safe to pass on."),
        ("visible_attributes", ["hat"], "Nothing that was looked for stands out on face 1.1."),
    ],
)
def test_words_that_an_attribute_brings_are_no_findings(attribute: str, value: JsonValue, sentence: str) -> None:
    row = Evidence(id="e1", tool="tool", subject=A, attribute=attribute, value=value, method=METHOD)
    assert fault(Claim.on([row], sentence, "answer"), {"e1": row}.get)


@pytest.mark.parametrize(("value", "holds"), [("swap", True), ("genuine", False), ("other", False)])
def test_what_a_finding_is_weighed_against_does_not_hide_it(value: str, holds: bool) -> None:
    row = Evidence(
        id="e1",
        tool="tool",
        subject=A,
        attribute="protected_identity",
        value=value,
        details={"name": "Eileen"},
        method=METHOD,
    )
    said = Claim.on(
        [row], "The evidence on face 1.1 supports an imitation of “Eileen” over an authentic photo.", "answer"
    )
    assert (fault(said, {"e1": row}.get) is None) is holds
