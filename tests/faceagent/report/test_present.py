"""Evidence as a reader sees it: rounded, glossed, verbatim where it is a quotation, and never certain."""

from __future__ import annotations

import pytest
from fakes import method, photo
from hypothesis import given
from hypothesis import strategies as st

from faceagent.report import present
from faceagent.report.file import facts
from faceagent.types import Evidence, GroupError, Interval, Probability, Threshold


def evidence(**fields: object) -> Evidence:
    base = {"id": "e1", "tool": "assess_quality", "subject": "face 1.1", "attribute": "sharpness"}
    return Evidence.model_validate({**base, "method": method("ruler"), **fields})


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("valid_untrusted", None, "valid, signer not recognised"),
        ("not_stated", None, "not stated"),
        ("trainedAlgorithmicMedia", None, "trainedAlgorithmicMedia"),
        (["brow_nearer_left_edge", "face_size"], None, "brow nearer the left edge, size of the face"),
        ([], None, "none"),
        (1, "faces", "1 face"),
        (2, "faces", "2 faces"),
        (90, "IJG quality, 1-100", "90 (IJG quality, 1-100)"),
        ({"width": 93.0, "height": 117.25}, "px", "width 93, height 117 px"),
        (True, None, "yes"),
        (0.0123, None, "0.01"),
        (0.00123, None, "0.0012"),
        (12345.6, None, "12,346"),
        ({"yaw": -4.1, "roll": -2}, None, "yaw −4.10, roll −2"),
    ],
)
def test_results_are_worded(value: object, unit: str | None, shown: str) -> None:
    assert present.row_of(evidence(value=value, unit=unit)).result == shown


def test_what_a_file_says_is_shown_as_it_is() -> None:
    row = present.row_of(evidence(tool="inspect_provenance", value=["my_own_tool"], details={"program_name": "a_b"}))
    assert (row.result, row.details) == ("my_own_tool", (("program name", "a_b"),))


@pytest.mark.parametrize(
    ("attribute", "value", "label", "shown"),
    [
        ("expression", "happiness", "Expression", "happiness"),
        ("perceived_ethnicity", "Latino_Hispanic", "Perceived ethnicity", "Latino or Hispanic"),
        ("liveness", "bona_fide", "Live or presented", "live"),
        ("compression", "none_seen", "Compression", "none seen"),
        ("gaze", "left_edge", "Direction of the eyes", "left edge"),
        ("detail", "full", "Fine detail", "full"),
        ("reidentification", "not_recognisable", "Recognisable in the copy", "not recognisable"),
        ("something_new", "in_between", "Something new", "in between"),
    ],
)
def test_attributes_and_their_values_have_plain_names(attribute: str, value: str, label: str, shown: str) -> None:
    row = present.row_of(evidence(attribute=attribute, value=value))
    assert (row.label, row.result) == (label, shown)


def test_a_row_tells_what_its_result_rests_on() -> None:
    (group,) = present.groups(
        [
            evidence(
                value="supported",
                score=0.412,
                threshold=Threshold(value=0.55, rule="<=", meaning="one person", source="1,200 pairs of a set"),
                probability=Probability(
                    value=0.9712, event="both show one person", calibrated_on="a set", n=1200, prior=0.5
                ),
                interval=Interval(low=0.9, high=0.99, level=0.8),
                group_errors=(GroupError(group="women", rate=0.012, kind="false match rate", n=600),),
            )
        ]
        * 2
    )
    assert group.rows[0].against == (
        "Score 0.41",
        "≤ 0.55 means “one person”",
        "Probability 0.971 that both show one person",
        "80 % interval: 0.90 to 0.99",
    )
    assert group.notes == (
        "“one person”: 1,200 pairs of a set.",
        "Probability that both show one person: calibrated on a set (n = 1,200), at a base rate of 50 %.",
        "False match rate by group: women 1.20 % (n = 600).",
    )


def test_what_was_not_measured_has_its_reason_and_no_result() -> None:
    row = present.row_of(evidence(status="abstained", reason="the face is too small"))
    assert (row.status, row.result, row.reason) == ("Abstained", "", "The face is too small")


@given(st.floats(0, 1))
def test_no_probability_is_shown_as_certain(value: float) -> None:
    shown = present.likely(value)
    assert shown not in ("0", "0.0", "0.00", "0.000", "1", "1.0", "1.00", "1.000")
    assert shown.startswith(("above", "below")) or abs(float(shown) - value) <= 0.0005 + 1e-9


def test_details_are_flattened_without_empty_ones_and_bounded() -> None:
    found = present.lines(
        {"signer": "A", "empty": [], "programs": [{"name": "x_y", "kind": "editor"}], "long": "z" * 999}, quoted=True
    )
    assert found[:3] == [("signer", "A"), ("programs · name", "x_y"), ("programs · kind", "editor")]
    assert len(found[3][1]) < 420
    assert present.lines({str(index): index for index in range(100)})[-1] == ("…", "40 more in the JSON")


def test_coordinates_are_for_programs() -> None:
    details = {"order": "300-W", "xy": [1.5, 2.5], "irises_xy": [3, 4], "polygons_xy": {"nose": [5, 6]}, "picture": "p"}
    assert present.row_of(evidence(details=details)).details == (("order", "300-W"),)


def test_details_that_all_rows_share_are_told_once() -> None:
    (group,) = present.groups([evidence(value=1, details={"own": own, "line": 0.5}) for own in (1, 2)])
    assert [row.details for row in group.rows] == [(("own", "1"),), (("own", "2"),)]
    assert group.common == ("Sharpness, in all rows: line 0.50.",)


def test_runs_of_evidence_are_cited_as_one() -> None:
    shown = present.citations(("e21", "e14", "e15", "e16", "e30", "e31", "e14"))
    assert shown == (("e14–e16", "e14"), ("e21", "e21"), ("e30", "e30"), ("e31", "e31"))


def test_facts_tell_how_the_file_was_read() -> None:
    found = dict(facts(photo("a.png").exhibit("image 1")))
    assert found["Encoding"] == "PNG, RGB"
    assert found["Picture"] == "320 × 240 pixels"
    turned = photo("a.png").exhibit("image 1").model_copy(update={"orientation": 6, "width": 240, "height": 320})
    assert "shown upright as 240 × 320" in dict(facts(turned))["Picture"]
