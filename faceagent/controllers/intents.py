"""From a question in English to what it asks for: the embedded controller's first planner.

The phrases are data, in intents.toml. They cover every tool of the contract, so that the controller can also say that
something is not offered in this installation.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from faceagent.policy import any_of


@dataclass(frozen=True)
class Intent:
    """Something that a question can ask for. See intents.toml for the fields."""

    name: str
    tools: tuple[str, ...]
    pattern: re.Pattern[str]
    before: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    alone: bool = False


@cache
def table() -> tuple[Intent, ...]:
    """All intents that the planner knows."""
    text = files("faceagent.controllers").joinpath("intents.toml").read_text(encoding="utf-8")
    return tuple(
        Intent(
            row["name"],
            tuple(row["tools"]),
            any_of(row["phrases"]),
            tuple(row.get("before", ())),
            tuple(row.get("about", ())),
            row.get("alone", False),
        )
        for row in tomllib.loads(text)["intent"]
    )


def intents(question: str) -> tuple[Intent, ...]:
    """What a question asks for, in the order in which it says so."""
    plain = " ".join(question.replace("’", "'").split())
    found = [(match.span(), intent) for intent in table() if (match := intent.pattern.search(plain))]
    # "blur the faces" asks to hide them; the "blur" inside it is not also a question about sharpness.
    found = [
        (span, intent)
        for place, (span, intent) in enumerate(found)
        if not any(_inside(span, other) for other, _ in found) and span not in [other for other, _ in found[:place]]
    ]
    asked = [pair for pair in found if not pair[1].alone] or found
    return tuple(intent for _, intent in sorted(asked, key=lambda pair: pair[0]))


def _inside(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]


GREETING = any_of(["hi", "hello", "hey", "good (?:morning|afternoon|evening)", "thanks?", "thank you", "thx", "bye"])
HELP = any_of(
    [
        "what (?:can|do) you do",
        "how do (?:you|i) (?:work|use)",
        "help(?: me)?",
        "who are you",
        "what are you",
        "your (?:capabilities|tools|functions)",
        "what can i ask",
    ]
)
