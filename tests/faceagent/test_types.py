"""The types hold their promises: frozen, complete, and the same after a trip through JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from faceagent.types import Answer, Box, Claim, Evidence, Method, Threshold

METHOD = Method(name="m", version="1", licence="Apache-2.0")


def test_evidence_without_a_value_needs_a_reason() -> None:
    with pytest.raises(ValidationError, match="needs a reason"):
        Evidence(tool="t", subject="image 1", attribute="a", status="abstained", method=METHOD)
    with pytest.raises(ValidationError, match="cannot have a value"):
        Evidence(tool="t", subject="image 1", attribute="a", status="failed", reason="r", value=1, method=METHOD)


def test_a_claim_without_evidence_is_no_claim() -> None:
    with pytest.raises(ValidationError):
        Claim(sentence="x", subject="image 1", attribute="a", evidence=())


def test_frozen_and_strict() -> None:
    with pytest.raises(ValidationError):
        METHOD.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Method(name="m", version="1", licence="x", licens="y")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Box(x0=float("nan"), y0=0, x1=1, y1=1)


@pytest.mark.parametrize(
    ("rule", "at", "below"), [(">=", True, False), (">", False, False), ("<=", True, True), ("<", False, True)]
)
def test_threshold_rules(rule: str, at: bool, below: bool) -> None:
    line = Threshold(value=0.5, rule=rule, meaning="m", source="s")
    assert (line.holds(0.5), line.holds(0.4), line.holds(0.6)) == (at, below, rule.startswith(">"))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.text())
def test_an_answer_survives_json(value: object, text: str) -> None:
    row = Evidence(
        id="e1", tool="t", subject="image 1", attribute="a", value=value, details={"k": value}, method=METHOD
    )
    claim = Claim(sentence=text, subject="image 1", attribute="a", value=value, evidence=("e1",))
    answer = Answer(
        question=text, status="answered", text=text, claims=(claim,), evidence=(row,), controller="embedded"
    )
    assert Answer.model_validate_json(answer.model_dump_json()) == answer
