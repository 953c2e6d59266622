"""The grammar of a turn: what it takes, what it refuses, and that it always comes to an end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from langchain_core.utils.function_calling import convert_to_openai_tool

from faceagent.controllers.constraint import bounded, draft_schema, turn_grammar
from faceagent.controllers.draft import Draft
from faceagent.errors import ControllerError
from faceagent.session import Session
from faceagent.tool import Toolbox

TOOLS = [convert_to_openai_tool(tool) for tool in Toolbox.installed().bind(Session())]

CALL = '<tool_call>\n{"name": "detect_faces", "arguments": {"images": ["image 1"]}}\n</tool_call>'
DRAFT = json.dumps(
    {
        "status": "answered",
        "claims": [
            {
                "sentence": 'The face of "Zoë" is sharp.',
                "subject": "face 1.1",
                "attribute": "sharpness",
                "value": 0.62,
                "evidence": ["e1", "e12"],
                "role": "answer",
            }
        ],
        "remarks": [],
        "not_established": ["Who it is."],
    },
    ensure_ascii=False,
)


@pytest.fixture(scope="module")
def accepts(tiny: Path) -> Any:
    """Whether a grammar takes a whole text, token by token."""
    from llguidance import LLMatcher
    from llguidance.hf import from_tokenizer
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokens = from_tokenizer(tokenizer)

    def accepts(text: str, choice: str | None = None) -> bool:
        grammar = turn_grammar(TOOLS, choice, ("<tool_call>", "</tool_call>"))
        assert LLMatcher.validate_grammar(grammar, tokens) == ""
        matcher = LLMatcher(tokens, grammar)
        ids = tokenizer.encode(text, add_special_tokens=False)
        return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()

    return accepts


REFUSAL = '{"status": "needs_photo", "claims": [], "remarks": ["Please give me the photo."], "not_established": []}'


@pytest.mark.parametrize(
    "text", [CALL, f"{CALL}\n{CALL}", DRAFT, REFUSAL], ids=["call", "two calls", "draft", "no answer"]
)
def test_good_turns_are_taken(accepts: Any, text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        CALL.replace("detect_faces", "read_mind"),
        CALL.replace("images", "path"),
        CALL.replace('["image 1"]', '"image 1"'),
        CALL + DRAFT,
        f"I think so. {DRAFT}",
        DRAFT.replace('["e1", "e12"]', "[]"),
        DRAFT.replace('"e12"', '"the photo"'),
        DRAFT.replace('"answered"', '"certain"'),
        DRAFT.replace('"role": "answer"', '"role": "answer", "confidence": 1'),
        DRAFT.replace('"remarks": []', '"remarks": ["It is a fake."]'),
        DRAFT.replace('"answered"', '"declined"'),
        DRAFT[:-1],
        "Yes.",
    ],
    ids=[
        "an invented tool",
        "an invented argument",
        "a string for a list",
        "a call and a draft",
        "talk before it",
        "no evidence",
        "evidence that is no id",
        "an invented status",
        "an invented field",
        "an answer outside of claims",
        "a refusal with claims",
        "cut off",
        "talk",
    ],
)
def test_bad_turns_are_refused(accepts: Any, text: str) -> None:
    assert not accepts(text)


def test_the_choice_of_tools_is_obeyed(accepts: Any) -> None:
    assert not accepts(DRAFT, "any")
    assert not accepts(CALL, "none")
    assert accepts(CALL, "detect_faces")
    assert not accepts(CALL, "compare_faces")
    assert not accepts(f"{CALL}\n{CALL}", "any")
    with pytest.raises(ControllerError, match="no tool 'read_mind'"):
        turn_grammar(TOOLS, "read_mind")


def test_what_the_schema_allows_is_a_draft() -> None:
    Draft202012Validator.check_schema(draft_schema())
    Draft202012Validator(draft_schema()).validate(json.loads(DRAFT))
    assert Draft.model_validate_json(DRAFT).claims[0].value == 0.62


def test_a_value_with_named_parts_can_be_repeated(accepts: Any) -> None:
    draft = json.loads(DRAFT)
    for value in ({"yaw": -19.4, "pitch": 3.0}, {"nearer_left_edge": "open", "nearer_right_edge": "closed"}):
        draft["claims"][0]["value"] = value
        assert accepts(json.dumps(draft, ensure_ascii=False))
    draft["claims"][0]["value"] = {"yaw": {"deeper": 1}}
    assert not accepts(json.dumps(draft, ensure_ascii=False))


def test_everything_without_a_limit_gets_one() -> None:
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "a property may be called type"},
            "kind": {"enum": ["a", "b"], "type": "string"},
            "many": {"type": "array", "items": {"type": "number"}, "minItems": 20},
            "some": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "small": {"type": "integer", "minimum": 0, "maximum": 3},
        },
    }
    limited = bounded(schema)["properties"]
    assert limited["type"] == {"type": "string", "maxLength": 80}
    assert limited["kind"] == schema["properties"]["kind"]
    assert limited["many"]["maxItems"] == 20
    assert {"minimum", "maximum"} <= limited["many"]["items"].keys()
    assert limited["some"]["anyOf"][0]["maxLength"] == 80
    assert limited["small"] == schema["properties"]["small"]


def test_a_schema_that_the_library_lacks_is_said_so(tiny: Path) -> None:
    from llguidance.hf import from_tokenizer
    from transformers import AutoTokenizer

    from faceagent.controllers.constraint import Constraint

    odd = {"name": "odd", "parameters": {"type": "object", "properties": {"x": {"not": {"type": "string"}}}}}
    with pytest.raises(ControllerError, match="cannot be held to the schema"):
        Constraint(from_tokenizer(AutoTokenizer.from_pretrained(tiny)), turn_grammar([odd]), 100)
