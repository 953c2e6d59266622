"""What is left out of a corpus, counted: a set may have more of it than fits into memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from faceagent_finetune.corpus.labelled import LeftOut

_NAMED = 50  # of what is broken


class LeftOuts:
    """Of one set."""

    def __init__(self) -> None:
        self._chosen_so, self._broken, self._named = Counter[str](), 0, list[str]()

    def add(self, row: LeftOut) -> None:
        if not row.fault:
            self._chosen_so[_in_general(row.reason)] += 1
            return
        self._broken += 1
        if len(self._named) < _NAMED:
            self._named.append(f"{row.name}: {row.reason}")

    def add_all(self, rows: Iterable[LeftOut]) -> None:
        for row in rows:
            self.add(row)

    def told(self) -> dict[str, Any]:
        """How many for each reason, and the names of those that are broken."""
        return {
            "chosen_so": dict(sorted(self._chosen_so.items())),
            "broken": self._broken,
            "broken_named": self._named,
        }


def _in_general(reason: str) -> str:
    """ "looks like fairface/3.jpg" -> "looks like a photo of fairface"."""
    twin = reason.removeprefix("looks like ")
    return reason if twin == reason else f"looks like a photo of {twin.rpartition('/')[0]}"
