"""In which order a question wants its answers: "first count the faces, then compare them", "hide her, but first …"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from faceagent.controllers.pointing import plain, spoken

_KINDS = ("first", "then", "before", "after")
_BLANK, _COMMA = re.compile(r"\W*"), re.compile("[,，]")


def in_sequence(question: str) -> tuple[str, ...]:
    """The parts of a question in the order in which it wants them; none where it says no order.

    "Hide them, but first say how old they are": "say how old they are", "Hide them".
    """
    parts: list[str] = []
    start, kind = 0, "then"
    for found, first, last in (*_marks(question), ("then", len(question), len(question))):
        piece = question[start:first]
        if kind in ("first", "after") and parts:
            parts.insert(0, piece)
        elif kind in ("before", "after") and not parts:
            # "After counting them, compare them": the other way round than "before".
            clauses = _COMMA.split(piece, maxsplit=1)
            parts += reversed(clauses) if kind == "before" else clauses
        elif not _BLANK.fullmatch(piece):
            parts.append(piece)
        start, kind = last, found
    parts = [part for part in parts if not _BLANK.fullmatch(part)]
    return tuple(parts) if len(parts) > 1 else ()


def _marks(question: str) -> Iterator[tuple[str, int, int]]:
    """The words that say an order, as places in the question, none inside another."""
    words, (text, places) = spoken(question), plain(question)
    found = [(match.start(), match.end(), kind) for kind in _KINDS for match in words[kind].finditer(text)]
    end = 0
    for first, last, kind in sorted(found, key=lambda one: (one[0], -one[1])):
        if first >= end:
            yield kind, places[first], places[last - 1] + 1
            end = last
