"""What a local model may write in one turn: calls of the tools it was given, with valid arguments, or a `Draft`.

A grammar is made of the tools' schemas and that of `Draft`; before each token, llguidance says which tokens it allows,
and the others are ruled out. So the turn of any model can be read, however little it was trained. Why llguidance:
docs/decisions/0011-one-grammar-a-turn.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from faceagent.controllers.draft import Draft
from faceagent.errors import ControllerError

if TYPE_CHECKING:
    import torch
    from llguidance import LLTokenizer

JsonSchema = dict[str, Any]

OPEN, CLOSE = "<tool_call>", "</tool_call>"
MAX_CALLS = 8
"""Tool calls in one turn."""
CLOSING = 192
"""Tokens kept back for closing what is open when a turn becomes too long."""

# Where a schema sets no limit, these hold: a model that repeats itself must come to an end.
_LONGEST_ARGUMENT = 80
_LONGEST_SENTENCE = 400
_MOST_ITEMS = 12
_LARGEST_NUMBER = 1_000_000_000
_ANSWERS = ("answered", "partly_answered")
# As `json.dumps` and the chat templates write JSON.
_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def turn_grammar(tools: Sequence[JsonSchema], choice: str | None = None, special: Collection[str] = ()) -> str:
    """The grammar of a turn, in llguidance's dialect of Lark.

    Args:
        tools: in OpenAI's format, {"type": "function", "function": {"name", "parameters"}}.
        choice: None or "auto": calls or a Draft; "none": a Draft; "any" or "required": one call; a name: its call.
        special: which of `<tool_call>` and `</tool_call>` are tokens of their own in the tokenizer.

    Raises:
        ControllerError: `choice` names a tool that is not among `tools`.
    """
    functions = [tool.get("function", tool) for tool in tools]
    if choice not in (None, "auto", "any", "required", "none"):
        functions = [function for function in functions if function["name"] == choice]
        if not functions:
            raise ControllerError(f"There is no tool {choice!r} to choose", "Bind it, or leave the choice to the model")
    kinds = {None: "calls | draft", "auto": "calls | draft", "none": "draft"}
    opening, closing = (name if name in special else json.dumps(name) for name in (OPEN, CLOSE))
    lines = [
        "%llguidance {}",
        f"start: {kinds.get(choice, 'call') if functions else 'draft'}",
        f"draft: {_json(draft_schema())}",
    ]
    if functions:
        lines += [
            f'calls: call ("\\n" call){{0,{MAX_CALLS - 1}}}',
            f'call: {opening} "\\n" body "\\n" {closing}',
            f"body: {_json({'anyOf': [call_schema(function) for function in functions]})}",
        ]
    return "\n".join(lines)


def draft_schema() -> JsonSchema:
    """That of `Draft`, narrowed: every field is written, in one order, and none is without end. What is checked against
    evidence is a claim, so an answer speaks in claims alone; remarks are for saying why there is none."""
    schema = Draft.model_json_schema()
    # The value of a claim: what evidence holds in practice, not any JSON.
    text, number = {"type": "string", "maxLength": _LONGEST_ARGUMENT}, {"type": "number"}
    plain = [text, number, {"type": "boolean"}, {"type": "null"}]
    either = {"anyOf": [text, number]}
    named = {"type": "object", "patternProperties": {"^[a-z][a-z_]{0,39}$": either}, "additionalProperties": False}
    schema["$defs"]["JsonValue"] = {"anyOf": [*plain, {"type": "array", "items": either}, named]}
    claim = schema["$defs"]["Claim"]
    claim["properties"]["evidence"]["items"] = {"type": "string", "pattern": "^e[1-9][0-9]{0,3}$"}
    for name in ("subject", "attribute"):
        claim["properties"][name]["maxLength"] = _LONGEST_ARGUMENT
    for written in (schema, claim):
        written["required"] = list(written["properties"])
    definitions = schema.pop("$defs")
    nothing = {"type": "array", "items": {"type": "null"}, "maxItems": 0}
    fields = schema["properties"]
    answer = {**fields, "status": {"enum": list(_ANSWERS)}, "remarks": nothing}
    others = [status for status in fields["status"]["enum"] if status not in _ANSWERS]
    refusal = {**fields, "status": {"enum": others}, "claims": nothing, "not_established": nothing}
    kinds = [{**schema, "properties": properties} for properties in (answer, refusal)]
    return bounded({"anyOf": kinds, "$defs": definitions}, _LONGEST_SENTENCE)


def bounded(schema: JsonSchema, longest: int = _LONGEST_ARGUMENT) -> JsonSchema:
    """The same schema, with a limit to every string (characters), array (items) and number that has none."""
    limited: JsonSchema = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "patternProperties"):
            limited[key] = {name: bounded(inner, longest) for name, inner in value.items()}
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            limited[key] = [bounded(inner, longest) for inner in value]
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            limited[key] = bounded(value, longest)
        elif key not in ("title", "description", "default", "examples"):
            limited[key] = value
    declared = schema.get("type", ())
    kinds = (declared,) if isinstance(declared, str) else tuple(declared)
    if "string" in kinds and not {"enum", "const", "pattern", "format"} & schema.keys():
        limited.setdefault("maxLength", longest)
    if "array" in kinds:
        limited.setdefault("maxItems", max(_MOST_ITEMS, schema.get("minItems", 0)))
    if {"number", "integer"} & set(kinds) and not {"enum", "const"} & schema.keys():
        _limit_number(limited)
    return limited


def _limit_number(schema: JsonSchema) -> None:
    if not {"minimum", "exclusiveMinimum"} & schema.keys():
        schema["minimum"] = min(-_LARGEST_NUMBER, schema.get("maximum", 0))
    if not {"maximum", "exclusiveMaximum"} & schema.keys():
        schema["maximum"] = max(_LARGEST_NUMBER, schema.get("minimum", 0))


def call_schema(function: Mapping[str, Any]) -> JsonSchema:
    """That of one tool's calls, {"name", "arguments"}."""
    from langchain_core.utils.json_schema import dereference_refs

    arguments = dereference_refs(dict(function.get("parameters") or {"type": "object", "properties": {}}))
    arguments.pop("$defs", None)
    return {
        "type": "object",
        "properties": {
            "name": {"const": function["name"]},
            "arguments": bounded({"additionalProperties": False, **arguments}),
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _json(schema: JsonSchema) -> str:
    return "%json " + json.dumps({**schema, "x-guidance": _SPACING})


class Constraint:
    """A logits processor for `generate`: rules out what the grammar does not allow next, for a batch of one.

    A turn that nears its limit is closed as soon as the grammar lets it, so that it is whole rather than cut off.

    Args:
        tokens: llguidance's view of the tokenizer.
        grammar: from `turn_grammar`.
        limit: most new tokens.

    Raises:
        ControllerError: the grammar cannot be made, e.g. because a tool's schema has a feature that it lacks.
    """

    def __init__(self, tokens: LLTokenizer, grammar: str, limit: int) -> None:
        from llguidance import LLMatcher
        from llguidance.numpy import allocate_token_bitmask

        # The library's own log goes to standard error; what matters is asked for instead.
        self._matcher = LLMatcher(tokens, grammar, log_level=0)
        self._mask = allocate_token_bitmask(1, tokens.vocab_size)
        self._tokens = tokens
        self._limit = limit
        self._written: list[int] | None = None
        self._check()

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """
        Args:
            input_ids: [1, length], prompt and what was written so far.
            scores: [1, vocabulary].
        """
        import torch

        if self._written is None:
            self._written = []
        else:
            self._written.append(int(input_ids[0, -1]))
            self._matcher.consume_token(self._written[-1])
            self._check()
        allowed = torch.from_numpy(self._allowed()).to(scores.device)
        # A model's table of tokens may be longer than its tokenizer's, or shorter: what only one knows is ruled out.
        size = min(len(allowed), scores.shape[1])
        ruled_out = torch.ones_like(scores, dtype=torch.bool)
        ruled_out[0, :size] = ~allowed[:size]
        return scores.masked_fill(ruled_out, -torch.inf)

    def _allowed(self) -> Any:
        """bool [vocabulary]."""
        import numpy as np
        from llguidance.numpy import fill_next_token_bitmask

        fill_next_token_bitmask(self._matcher, self._mask)
        allowed = np.unpackbits(self._mask[0].view(np.uint8), bitorder="little").astype(bool)[: self._tokens.vocab_size]
        if len(self._written or ()) + CLOSING < self._limit:
            return allowed
        shortest = self._closing(allowed)
        return allowed if shortest is None else np.arange(len(allowed)) == shortest

    def _closing(self, allowed: Any) -> int | None:
        """The allowed token that leads to the end soonest, as far as one character tells; None: any."""
        for end in self._tokens.eos_tokens:
            if allowed[end]:
                return int(end)
        # Inside a string a bracket is text like any other.
        inside = _in_string(self._tokens.decode_str(self._written or []))
        for character in '"' if inside else '}],"':
            token = self._tokens.greedy_tokenize(character)
            if len(token) == 1 and allowed[token[0]]:
                return int(token[0])
        return None

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ControllerError(
                f"The model's answer cannot be held to the schema of the tools ({self._matcher.get_error().strip()})",
                "Simplify the tool's arguments, or report this",
            )


def _in_string(text: str) -> bool:
    """Whether the JSON that `text` is the beginning of is inside a string."""
    inside = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = inside
        elif character == '"':
            inside = not inside
    return inside
