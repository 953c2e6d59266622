"""The rules: what is a sign, what is none, which weighs more, and that no verdict says more than its evidence."""

from __future__ import annotations

import pytest
from fakes import method
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from faceagent.ground import ground
from faceagent.report.verdict import verdict
from faceagent.types import Claim, Evidence, Probability, VerdictKind

QUIET: dict[str, JsonValue] = {
    "content_credentials": "absent",
    "digital_source_type": "not_stated",
    "generator_marks": [],
    "editing_software": [],
    "thumbnail": "absent",
    "contradictions": [],
    "capture_record": [],
}


def records(**values: JsonValue) -> list[Evidence]:
    """A full set of measured records, quiet but for those given."""
    return [row(attribute, value, index) for index, (attribute, value) in enumerate((QUIET | values).items(), 1)]


def row(attribute: str, value: JsonValue, number: int = 90, tool: str = "inspect_provenance") -> Evidence:
    return Evidence(
        id=f"e{number}", tool=tool, subject="image 1", attribute=attribute, value=value, method=method("reader")
    )


def forgery(value: str | None, number: int = 50, probability: float | None = None) -> Evidence:
    likely = Probability(value=probability, event="manipulation", calibrated_on="a set", n=100) if probability else None
    return Evidence(
        id=f"e{number}",
        tool="detect_forgery",
        subject="image 1",
        attribute="forgery",
        value=value,
        status="ok" if value else "abstained",
        reason=None if value else "the face is too small",
        probability=likely,
        method=method("detector"),
    )


SIGNS: list[tuple[dict[str, JsonValue], VerdictKind]] = [
    ({"digital_source_type": "trainedAlgorithmicMedia", "content_credentials": "trusted"}, "signs_of_synthesis"),
    ({"digital_source_type": "trainedAlgorithmicMedia"}, "signs_of_synthesis"),
    ({"digital_source_type": "compositeWithTrainedAlgorithmicMedia"}, "signs_of_alteration"),
    ({"generator_marks": ["Midjourney"]}, "signs_of_synthesis"),
    ({"thumbnail": "differs"}, "signs_of_alteration"),
    ({"content_credentials": "invalid"}, "signs_of_alteration"),
    ({"contradictions": ["saved before it was taken"]}, "inconclusive"),
]


@pytest.mark.parametrize(("values", "kind"), SIGNS, ids=str)
def test_a_sign_gives_its_verdict_and_says_what_would_settle_it(values: dict[str, JsonValue], kind: str) -> None:
    found = verdict(records(**values))
    assert found.kind == kind
    assert found.claims[0].sentence == found.headline
    assert found.claims[0].attribute in values
    assert found.would_settle


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"editing_software": ["Adobe Photoshop", "FaceApp"]},
        {"digital_source_type": "digitalCapture", "content_credentials": "trusted"},
        {"digital_source_type": "minorHumanEdits"},
        {"content_credentials": "valid_untrusted"},
        {"thumbnail": "agrees"},
        {"contradictions": ["another size"]},
        {"generator_marks": [], "capture_record": ["Make", "Model"]},
    ],
    ids=str,
)
def test_what_is_no_sign_stays_inconclusive_without_a_detector(values: dict[str, JsonValue]) -> None:
    found = verdict(records(**values))
    assert found.kind == "inconclusive"
    assert "no sign" in found.headline and "its pixels were not examined" in found.headline


def test_no_sign_found_needs_a_detector_that_found_none() -> None:
    assert verdict([*records(), forgery("no_sign")]).kind == "no_sign_found"
    assert verdict([*records(), forgery("inconclusive")]).kind == "inconclusive"
    assert verdict([*records(), forgery(None)]).kind == "inconclusive"
    assert verdict([*records(), forgery("no_sign", 50), forgery(None, 51)]).kind == "inconclusive"


def test_the_pixels_speak_when_the_records_are_silent() -> None:
    found = verdict([*records(), forgery("manipulated", 50, 0.7), forgery("synthetic", 51, 0.9)])
    assert found.kind == "signs_of_synthesis"
    assert found.claims[0].evidence == ("e51",)


def test_the_weightier_sign_leads_and_the_other_supports_it() -> None:
    found = verdict(records(thumbnail="differs", generator_marks=["Midjourney"]))
    assert found.kind == "signs_of_synthesis"
    assert [(claim.role, claim.attribute) for claim in found.claims[:2]] == [
        ("answer", "generator_marks"),
        ("reason", "thumbnail"),
    ]


def test_a_dissenting_detector_is_shown_beside_a_sign() -> None:
    found = verdict([*records(thumbnail="differs"), forgery("no_sign")])
    assert found.kind == "signs_of_alteration"
    assert found.claims[-1].role == "doubt" and found.claims[-1].evidence == ("e50",)


def test_the_tools_own_sentences_are_preferred() -> None:
    rows = records(thumbnail="differs")
    own = Claim(
        sentence="It differs around the eyes.",
        subject="image 1",
        attribute="thumbnail",
        value="differs",
        evidence=("e5", "e4"),
    )
    doubt = own.model_copy(update={"sentence": "An old thumbnail can be innocent.", "role": "doubt"})
    other = Claim(sentence="One face.", subject="image 1", attribute="face_count", value=1, evidence=("e80",))
    found = verdict([*rows, row("face_count", 1, 80, tool="detect_faces")], [own, doubt, other])
    assert found.headline == own.sentence
    assert found.claims == (own, doubt)


def test_records_that_could_not_be_read_are_not_called_silent() -> None:
    broken = Evidence(
        id="e1",
        tool="inspect_provenance",
        subject="image 1",
        attribute="inspect_provenance",
        status="failed",
        reason="damaged",
        method=method("reader"),
    )
    found = verdict([broken])
    assert found.kind == "inconclusive"
    assert "no sign" not in found.headline
    partly = verdict([*records(), broken.model_copy(update={"id": "e40"})])
    assert "as far as they could be read" in partly.headline


def test_why_the_pixels_gave_no_conclusion_is_the_first_reason() -> None:
    pixels = forgery(None)
    why = Claim.on([pixels], "The pixels were not judged, because the face is too small.", "answer")
    software = Claim.on([row("editing_software", ["x"], 4)], "The records mention “x”.", "reason")
    records_say = Claim.on([row("metadata", [], 8)], "The records show no sign.", "answer")
    found = verdict([*records(), pixels], [software, records_say, why])
    assert found.kind == "inconclusive"
    assert [claim.sentence for claim in found.claims[1:]] == [why.sentence, software.sentence]
    assert found.claims[1].role == "reason"


def test_nothing_examined_is_said_plainly() -> None:
    found = verdict([])
    assert (found.kind, found.claims) == ("inconclusive", ())
    assert found.headline.startswith("Nothing was examined")


VALUES: dict[str, st.SearchStrategy[JsonValue]] = {
    "content_credentials": st.sampled_from(["absent", "invalid", "valid_untrusted", "trusted"]),
    "digital_source_type": st.sampled_from(["not_stated", "trainedAlgorithmicMedia", "composite", "digitalCapture"]),
    "generator_marks": st.lists(st.text(max_size=9), max_size=2).map(list),
    "editing_software": st.lists(st.text(max_size=9), max_size=2).map(list),
    "thumbnail": st.sampled_from(["agrees", "differs", "absent"]),
    "contradictions": st.lists(st.sampled_from(["another size", "several times of capture"]), max_size=2).map(list),
    "capture_record": st.lists(st.text(max_size=9), max_size=2).map(list),
    "forgery": st.sampled_from(["no_sign", "manipulated", "synthetic", "inconclusive"]),
    "unheard_of": st.none() | st.text(max_size=5),
}


@settings(deadline=None)  # the first example loads the words of `ground`
@given(st.data(), st.sets(st.sampled_from(sorted(VALUES))))
def test_no_verdict_says_more_than_its_evidence(data: st.DataObject, attributes: set[str]) -> None:
    rows = [
        row(name, data.draw(VALUES[name]), number, "detect_forgery" if name == "forgery" else "inspect_provenance")
        for number, name in enumerate(sorted(attributes), 1)
    ]
    found = verdict(rows)
    assert not ground(found.claims, {item.id: item for item in rows}.get).rejected
    assert found.kind != "no_sign_found" or "forgery" in attributes
