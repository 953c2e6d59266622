"""The few terms that a report explains: those of glossary.toml that it uses."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Term:
    """A term and what it means, for a reader from outside."""

    name: str
    means: str


def terms(sentences: Iterable[str]) -> tuple[Term, ...]:
    """The terms that occur in sentences, in the order of the glossary."""
    text = "\n".join(sentences)
    rows = tomllib.loads((files("faceagent.report") / "glossary.toml").read_text(encoding="utf-8"))["term"]
    return tuple(
        Term(row["name"], row["means"]) for row in rows if re.search(row.get("pattern", ""), text, re.IGNORECASE)
    )
