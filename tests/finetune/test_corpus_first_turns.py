"""First turns: what the teacher does about a question is what the product tells a model, and no answer comes of it."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

pytest.importorskip("pyarrow.parquet")

from photo_files import jpeg, portrait

from faceagent.controllers.constraint import draft_schema
from faceagent.controllers.draft import Draft
from faceagent_finetune.corpus.conversation import Picture, Trace
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.report import records
from faceagent_finetune.corpus.trace.asking import CALLED, Asking
from faceagent_finetune.corpus.trace.questions import questions
from faceagent_finetune.planner.asked import Asked, asked

PORTRAIT = Picture.of(LabelledPhoto("fairface", "0.jpg", jpeg(portrait()), {}, "train", "0", "none"))


def question_with(*wanted: str) -> Asked:
    return next(one for one in asked() if one.labels == set(wanted) and one.language == "en")


def asking(*, found: bool = False, shown: tuple[Picture, ...] = (PORTRAIT,)) -> Asking:
    return Asking(shown, None, random.Random(1), found=found)


def told(trace: Trace) -> list[dict[str, Any]]:
    """Its messages, pictures by number."""
    return trace.messages([str(number) for number in range(len(trace.pictures))])


def text_of(message: dict[str, Any]) -> str:
    return "\n".join(part.get("text", "") for part in message["content"])


def test_it_ends_with_the_calls() -> None:
    (trace,) = asking().first_turn(question_with("age"))
    system, user, calls = told(trace)
    assert (trace.kind, {turn.value for turn in trace.turns}) == ("first_turn", {CALLED})
    assert "image 1: faces not looked for yet" in text_of(system)
    assert [part["type"] for part in user["content"]] == ["text", "text", "image"]
    assert calls["content"] == []
    (call,) = calls["tool_calls"]
    assert call["function"] == {"name": "estimate_attributes", "arguments": {"about": ["age"]}}


@pytest.mark.parametrize("labels", [("age",), ("authenticity",), ("eyes", "glasses"), ("crime",), ()])
def test_the_trace_of_the_same_question_begins_with_it(labels: tuple[str, ...]) -> None:
    about = question_with(*labels)
    (first,), (whole,) = asking().first_turn(about), asking().about(about)
    assert told(whole)[: len(told(first))] == told(first)
    assert first.tools == whole.tools


def test_faces_that_were_looked_for_are_told_and_shown() -> None:
    (trace,) = asking(found=True).first_turn(question_with("age"))
    assert "image 1: faces face 1.1" in text_of(told(trace)[0])
    assert [picture.change for picture in trace.pictures] == ["", "faces"]
    assert len(told(trace)) == 3


@pytest.mark.parametrize(("labels", "status"), [(("crime",), "declined"), (("greeting",), "needs_clarification")])
def test_where_nothing_is_to_be_called_it_is_the_answer(labels: tuple[str, ...], status: str) -> None:
    (trace,) = asking().first_turn(question_with(*labels))
    draft = Draft.model_validate_json(text_of(told(trace)[-1]))
    assert (draft.status, draft.claims) == (status, ())
    assert "tool_calls" not in told(trace)[-1]


def test_without_a_photo_one_is_asked_for() -> None:
    (trace,) = asking(shown=()).first_turn(question_with("age"))
    assert Draft.model_validate_json(text_of(told(trace)[-1])).status == "needs_photo"


def test_no_question_follows_another(told_of_tools: Path) -> None:
    found = list(records(told_of_tools))
    assert len(found) == 48
    for record in found:
        assert record["kind"] == "first_turn"
        assert [message["role"] for message in record["messages"]] == ["system", "user", "assistant"]
        assert record["tools"] == found[0]["tools"]


def test_calls_and_answers_are_of_many_kinds_and_keep_the_grammar(told_of_tools: Path) -> None:
    validator = Draft202012Validator(draft_schema())
    called: Counter[str] = Counter()
    for record in records(told_of_tools):
        last = record["messages"][-1]
        called.update(call["function"]["name"] for call in last.get("tool_calls", ()))
        if "tool_calls" not in last:
            validator.validate(json.loads(text_of(last)))
            called["nothing"] += 1
    assert len(called) >= 5
    assert 3 <= called["nothing"] <= 30


def test_val_asks_what_the_planner_never_saw_and_train_never_does(told_of_tools: Path) -> None:
    held = {one.text for one in asked() if one.held}
    for record in records(told_of_tools):
        question = record["messages"][1]["content"][0]["text"]
        assert (question in held) == (record["split"] == "val"), question


def test_of_train_every_other_question_is_composed_and_of_val_none() -> None:
    known = {one.text: one for one in asked()}
    train = list(islice(questions("train", random.Random(3)), 200))
    val = list(islice(questions("val", random.Random(3)), 200))
    assert all(known[one.text].held for one in val)
    assert all(one.text in known and not known[one.text].held for one in train[::2])
    composed = {one.text for one in train[1::2]}
    assert len(composed - known.keys()) > 50
    assert all(one.language == "en" and not one.held for one in train)
    assert train == list(islice(questions("train", random.Random(3)), 200))
