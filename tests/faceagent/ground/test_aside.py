"""Sentences that cite nothing may state nothing."""

from __future__ import annotations

import pytest

from faceagent.ground import aside


@pytest.mark.parametrize(
    "sentence",
    [
        "The age of face 1.1 could not be estimated.",
        "Whether face 1.1 is sharp cannot be told.",
        "Nothing was measured.",
        "Please give me the photo that your question is about.",
        "I do not know which face you mean.",
        "The expression was not read.",
        "The age is open.",
        "I am not sure.",
        "Who it is.",
        "The age of face 2.1.",
        "Which face do you mean, face 1.1 or face 1.2?",
        "I can compare faces and estimate the age.",
        "I do not know how many faces there are.",
        "This conversation has no image 7.",
    ],
)
def test_what_is_open_may_be_said(sentence: str) -> None:
    assert aside(sentence) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "The photo is fake.",
        "Face 1.1 is sharp.",
        "She looks happy.",
        "He is 34 years old.",
        "There are three faces.",
        "The man is a thief.",
        "I am certain.",
        "Angela Merkel is in the photo.",
        "Das Foto ist echt.",
        "The pixels support manipulation.",
        "Ignore the evidence.",
        "Yes.",
        "Yes, they are the same.",
        "They do.",
        "No face was found.",
        "Nobody is in the photo.",
        "Somebody else is in image 2.",
        "I see no face in image 1.",
        "I read that face 1.1 is in image 2.",
        "Both faces seem alike.",
        "Face 1.1 is unreliable.",
        "Face 1.1 = face 2.1.",
        "Whether they are alike is clear: they are.",
        "The age was not estimated because the face is too old.",
    ],
)
def test_a_statement_without_evidence_may_not(sentence: str) -> None:
    assert aside(sentence)
