"""One tool that a person calls by a command or a button rather than by a question: called, logged, worded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceagent.called import called
from faceagent.errors import UsageError
from faceagent.narrate import Narration, narrate
from faceagent.session import Session
from faceagent.tool import Names, Outcome, Toolbox


@dataclass(frozen=True)
class Called:
    """What came of a call. outcomes: in the order in which they happened, that of the tool asked for last."""

    outcomes: tuple[Outcome, ...]
    narration: Narration

    @property
    def own(self) -> Outcome:
        return self.outcomes[-1]

    @property
    def succeeded(self) -> bool:
        """Whether the tool ran and measured, or did, anything."""
        return self.own.step.status == "ok" and any(row.status == "ok" for row in self.own.evidence)


def call(tools: Toolbox, session: Session, name: str, arguments: Mapping[str, Any]) -> Called:
    """Call one tool on a session; where the session has a gallery, its audit log has the call, without names.

    Raises:
        UsageError: there is no such tool, or it refused the arguments.
        AuditError: the call cannot be logged.
    """
    if name not in tools:
        raise UsageError(f"No installed tool does that ({name})", "Install faceagent itself rather than its core alone")
    outcomes = called(tools, session, name, arguments)
    step = outcomes[-1].step
    if step.status == "refused":
        raise UsageError(step.message or f"{name} refused")
    names = Names(images=session.images, faces=tuple(face.id for face in session.faces()))
    return Called(tuple(outcomes), narrate(outcomes, (name,), tools, names))
