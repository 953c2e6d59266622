"""What is declined, what needs a stated purpose, and that ordinary questions are neither."""

from __future__ import annotations

import re

import pytest

from faceagent.errors import UsageError
from faceagent.ground import fault
from faceagent.policy import (
    age_line,
    declined,
    how_to_open,
    law,
    minors_law,
    opens,
    purposes,
    recurrence_withheld,
    withheld_from_minors,
)
from faceagent.types import Claim, Evidence, Method

DECLINED = {
    "Is he a criminal?": "crime",
    "does she look like a terrorist": "crime",
    "Would you trust this man?": "character",
    "Is she lying?": "character",
    "how intelligent is he": "character",
    "Is he a Muslim?": "religion",
    "is she gay or straight": "sexual orientation",
    "Did they vote for the Republicans?": "political opinion",
    "Does he look sick?": "health",
    "is she pregnant": "health",
    "Should I hire her?": "employability",
    "Is she pretty?": "attractiveness",
    "What is his nationality?": "nationality",
    "Where is he from?": "nationality",
    "Is he in pain?": "health",
    "What is she thinking?": "inner life",
    "Is she really happy?": "inner life",
    "Is that a fake smile?": "inner life",
    "Is he in love with her?": "inner life",
}

ORDINARY = [
    "Is this photo real?",
    "Can I trust this picture?",
    "Are these the same person?",
    "How many people are there?",
    "Is the face sharp enough for a passport?",
    "Which camera took this?",
    "Is he looking straight at the camera?",
    "Is anything suspicious about this image?",
    "Blur the faces, please.",
    "How old is she?",
    "Is the lighting good?",
    "Is she happy?",
    "Is she smiling?",
    "Does he look angry?",
    "What is her ethnicity?",
    "Any thoughts on this photo?",
    "Where is this photo from?",
    "Is this a real photo of a smile?",
]


@pytest.mark.parametrize(("question", "topic"), DECLINED.items())
def test_declined(question: str, topic: str) -> None:
    assert topic in [found.name for found in declined(question)]


@pytest.mark.parametrize("question", ORDINARY)
def test_not_declined(question: str) -> None:
    assert declined(question) == ()


@pytest.mark.parametrize("topic", ["emotion", "ethnicity"])
def test_nothing_is_open_without_a_purpose(topic: str) -> None:
    assert not opens(None, topic)
    assert opens("research", topic)


def test_a_purpose_opens_what_it_says_and_no_more() -> None:
    assert opens("accessibility", "emotion")
    assert not opens("accessibility", "ethnicity")


def test_an_unknown_purpose_is_told_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no purpose “marketing”") as caught:
        opens("marketing", "emotion")
    assert all(name in str(caught.value) for name in purposes())


@pytest.mark.parametrize("topic", ["emotion", "ethnicity"])
@pytest.mark.parametrize("stated", ["workplace", "education"])
def test_at_work_and_in_education_the_refusal_names_no_way_around(stated: str, topic: str) -> None:
    assert not opens(stated, topic)
    reason = how_to_open(topic, stated)
    assert stated in reason and "--purpose" not in reason
    assert carried(reason)


def test_a_purpose_that_neither_opens_nor_refuses_is_told_those_that_do() -> None:
    assert not opens("protection", "emotion")
    assert how_to_open("emotion", "protection") == how_to_open("emotion")


@pytest.mark.parametrize("stated", [None, *purposes()])
def test_faces_that_recur_are_told_for_purposes_that_are_named(stated: str | None) -> None:
    allowed = ("research", "dataset_labelling", "protection", "personal")
    why = recurrence_withheld(stated)
    assert (why is None) is (stated in allowed)
    assert why is None or all(name in why for name in allowed)


def test_every_purpose_says_what_it_means_and_where_the_law_has_it() -> None:
    assert 3 <= len(purposes()) <= 10
    for name, purpose in purposes().items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert purpose.opens | purpose.refuses <= {"emotion", "ethnicity"}
        assert not purpose.opens & purpose.refuses
        assert purpose.means.endswith(".")
        assert re.search(r"art\. \d+", purpose.source)


@pytest.mark.parametrize("topic", ["emotion", "ethnicity"])
def test_why_a_topic_is_off_may_be_said_and_names_the_mend(topic: str) -> None:
    reason = how_to_open(topic)
    offered = reason.partition("is stated: ")[2]
    for name, purpose in purposes().items():
        assert (re.search(rf"\b{name}\b", offered) is not None) is (topic in purpose.opens)
    assert "--purpose" in reason and "EU" in reason
    assert "art. 5" in law(topic)
    assert carried(reason)


def carried(reason: str) -> bool:
    """Whether a sentence that repeats the reason passes the check of every claim."""
    row = Evidence(
        id="e1",
        tool="a",
        subject="face 1.1",
        attribute="b",
        status="abstained",
        reason=reason,
        method=Method(name="a", version="1", licence="MIT"),
    )
    claim = Claim(sentence=f"It was not read, because {reason}.", subject="face 1.1", attribute="b", evidence=("e1",))
    return fault(claim, {"e1": row}.get) is None


@pytest.mark.parametrize("stated", [None, *purposes()])
@pytest.mark.parametrize("topic", ["identification", "enrolment"])
def test_no_purpose_has_children_named_or_enrolled_without_a_guardian(topic, stated) -> None:
    assert withheld_from_minors(topic, stated)


@pytest.mark.parametrize("stated", [None, *purposes()])
@pytest.mark.parametrize("topic", ["gender", "ethnicity", "emotion"])
def test_traits_of_children_are_for_data_and_methods_only(topic, stated) -> None:
    told = stated in ("research", "bias_audit", "dataset_labelling")
    assert (withheld_from_minors(topic, stated) is None) is told


def test_the_line_of_age_has_its_source() -> None:
    assert age_line() == 18 and "Rights of the Child" in minors_law()
    with pytest.raises(UsageError, match="no purpose"):
        withheld_from_minors("gender", "marketing")
