"""Spans of OpenTelemetry where its API is installed, and nothing where it is not.

Where they go is for whoever runs the program to say, as OpenTelemetry has it:
`opentelemetry-instrument faceagent report …`. They hold no name of a file and nothing that was found in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol


class Span(Protocol):
    """A stretch of work that is timed."""

    def set_attribute(self, key: str, value: str | int) -> None:
        """Note something that is known only at its end."""


class _Untold:
    def set_attribute(self, key: str, value: str | int) -> None:
        pass


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[Span]:
    """Time what is done within.

    Args:
        attributes: each becomes faceagent.NAME.
    """
    tracer = _tracer()
    if tracer is None:
        yield _Untold()
        return
    told = {f"faceagent.{key}": value for key, value in attributes.items()}
    with tracer.start_as_current_span(name, attributes=told) as found:
        yield found


@cache
def _tracer() -> Any:
    # Imported where used: it is an optional package.
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("faceagent")
