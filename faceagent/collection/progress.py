"""The same as a page, OUT/progress.html, which a browser that has it open loads again and again."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from faceagent.collection.manifest import Collection
from faceagent.collection.monitor import Done, State
from faceagent.errors import InputError
from faceagent.report.document import date
from faceagent.report.html import page
from faceagent.video import clock

PAGE = "progress.html"
EVERY = 5
"""Seconds between two pages."""


class ProgressPage:
    """A view that writes the page.

    Raises:
        InputError: from `show`, where it cannot be written.
    """

    def __init__(self, collection: Collection, language: str = "en") -> None:
        self._place = collection.place
        self._language = language
        self._written = float("-inf")

    def show(self, state: State, done: Done | None) -> None:
        now = time.monotonic()
        if now - self._written < EVERY and not state.ended:
            return
        self._written = now
        try:
            self._place.write(PAGE, to_html(state, self._language).encode())
        except OSError as error:
            raise InputError(
                f"{self._place.at(PAGE)} cannot be written ({error.strerror or error})",
                "Mend that and give the same command again: it goes on where it stopped",
            ) from error

    def close(self) -> None: ...


def to_html(state: State, language: str = "en") -> str:
    """The page as text; once the run has ended it leads to the overview and is loaded no more.

    Raises:
        KeyError: there is no such language.
    """
    rate, left = state.per_second, state.files - state.done
    return page(
        "progress.html.j2",
        language,
        lang=language,
        state=state,
        every=None if state.ended else EVERY,
        rate=f"{rate:.2f}",
        remaining=clock(left / rate) if rate > 0 and left else None,
        memory=f"{state.memory / 2**20:,.0f}".replace(",", "\u202f") if state.memory else None,
        stages=[
            (tool, f"{seconds / state.calls[tool]:.2f}")
            for tool, seconds in sorted(state.seconds.items(), key=lambda one: -one[1])
        ],
        date=date(datetime.now(UTC).isoformat(timespec="seconds"), language),
    )
