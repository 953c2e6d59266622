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
    ],
)
def test_a_statement_without_evidence_may_not(sentence: str) -> None:
    assert aside(sentence)
