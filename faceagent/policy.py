"""What may be asked of a face, and for which purpose.

Declining is part of the product: each topic in declined.toml has the phrases that find it in a question and one
sentence that says why. Questions that are merely not possible in this installation are not declined here; the
controller says what is not offered.

Between allowed and declined lie the topics of purposes.toml: emotion and ethnicity are read only for a stated purpose.
A tool that measures one asks `opens(session.purpose, "emotion")`, and where that is False abstains with
`how_to_open("emotion", session.purpose)` as its reason. Of a face that looks like a child's less is said, unless the
purpose is about data or methods (`withheld_from_minors`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from faceagent.errors import UsageError


@dataclass(frozen=True)
class Topic:
    """A subject on which faces carry no evidence, or on which inference from a face is unlawful."""

    name: str
    pattern: re.Pattern[str]
    why: str


def any_of(phrases: list[str]) -> re.Pattern[str]:
    """A pattern that finds any of the phrases (regular expressions) between word boundaries, in any case."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)


@cache
def topics() -> tuple[Topic, ...]:
    """The declined topics, in table order."""
    table = tomllib.loads(files("faceagent").joinpath("declined.toml").read_text(encoding="utf-8"))
    return tuple(Topic(row["name"], any_of(row["phrases"]), row["why"]) for row in table["topic"])


def declined(question: str) -> tuple[Topic, ...]:
    """The topics in a question that are declined, in table order."""
    return tuple(topic for topic in topics() if topic.pattern.search(question))


@dataclass(frozen=True)
class Purpose:
    """What faces are read for. opens: the topics that it switches on. refuses: those that the law forbids for it.
    children: those read of children too. source: where the law has that."""

    name: str
    opens: frozenset[str]
    refuses: frozenset[str]
    means: str
    source: str
    children: frozenset[str] = frozenset()


@cache
def _rules() -> Mapping[str, Any]:
    return tomllib.loads(files("faceagent").joinpath("purposes.toml").read_text(encoding="utf-8"))


@cache
def purposes() -> Mapping[str, Purpose]:
    """The purposes that can be stated, by name."""
    return {
        name: Purpose(
            name,
            frozenset(row["opens"]),
            frozenset(row.get("refuses", ())),
            row["means"],
            row["source"],
            frozenset(row.get("children", ())),
        )
        for name, row in _rules()["purpose"].items()
    }


def purpose(name: str) -> Purpose:
    """The purpose of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in purposes():
        raise UsageError(f"There is no purpose “{name}”", f"Known purposes: {', '.join(purposes())}")
    return purposes()[name]


def opens(stated: str | None, topic: str) -> bool:
    """Whether a topic of purposes.toml ("emotion", "ethnicity") is open under the purpose stated, if any.

    Raises:
        UsageError: there is no such purpose.
    """
    return stated is not None and topic in purpose(stated).opens


def how_to_open(topic: str, stated: str | None = None) -> str:
    """Why a topic is off and how to switch it on, if at all: one clause for `Evidence.reason`, after "because".

    It holds no number, so that a sentence may repeat it; `law` has the articles.

    Args:
        stated: the purpose stated. One for which the law forbids the topic is told so, and no way around it.

    Raises:
        UsageError: there is no such purpose.
    """
    if stated is not None and topic in purpose(stated).refuses:
        return f"{_rules()['topic'][topic]['reason']}, and the purpose that was stated is {stated}"
    opening = [one.name for one in purposes().values() if topic in one.opens]
    names = f"{', '.join(opening[:-1])} or {opening[-1]}"
    return (
        f"{_rules()['topic'][topic]['reason']}, so this stays off until a purpose is stated: {names} "
        f'(--purpose {opening[0]}, or purpose="{opening[0]}" in Python)'
    )


def law(topic: str) -> str:
    """The articles behind a topic that needs a purpose, for `Evidence.details`."""
    return str(_rules()["topic"][topic]["source"])


def recurrence_withheld(stated: str | None) -> str | None:
    """Why it is not told which faces recur in a collection: one clause, after "because"; None where the purpose stated
    has it told.

    Raises:
        UsageError: there is no such purpose.
    """
    rule = _rules()["recurrence"]
    if stated is not None and purpose(stated).name in rule["purposes"]:
        return None
    named = f"and {stated} is none of them" if stated else "and none was stated"
    return f"{rule['reason']}, {named}: {', '.join(rule['purposes'])}"


def age_line() -> int:
    """Years below which a face looks like a child's, of whom less is said."""
    return int(_rules()["minors"]["years"])


def withheld_from_minors(topic: str, stated: str | None = None) -> str | None:
    """Why a topic ("gender", "ethnicity", "emotion", "identification", "enrolment") is not told of a child: one clause
    for `Evidence.reason`, after "because"; None where the purpose stated has it told. `minors_law` has the articles.

    Raises:
        UsageError: there is no such purpose.
    """
    if stated is not None and topic in purpose(stated).children:
        return None
    return str(_rules()["minors"]["withholds"][topic])


def minors_law() -> str:
    """The articles behind what is withheld from children, for `Evidence.details`."""
    return str(_rules()["minors"]["source"])
