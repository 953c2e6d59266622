"""What may be asked of a face.

Declining is part of the product: each topic in declined.toml has the phrases that find it in a question and one
sentence that says why. Questions that are merely not possible in this installation are not declined here; the
controller says what is not offered.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


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
