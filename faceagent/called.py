"""One tool call outside a conversation, written to the gallery's audit log as a question is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from faceagent.audit import noted, pseudonymous
from faceagent.session import Session
from faceagent.tool import Outcome, Toolbox


def called(tools: Toolbox, session: Session, name: str, arguments: Mapping[str, Any]) -> list[Outcome]:
    """The outcomes of `Toolbox.call`; where the session has a gallery, its log has the call before anybody hears them.

    Raises:
        AuditError: the log cannot be written.
    """
    outcomes = tools.call(session, name, arguments)
    if session.gallery is not None:
        steps: list[JsonValue] = [noted(outcome.step, {"tool", "arguments", "status"}) for outcome in outcomes]
        photos: list[JsonValue] = [one.sha256 for one in session.exhibits()]
        told: dict[str, JsonValue] = {"purpose": session.purpose, "photos": photos, "steps": steps}
        names = session.gallery.pseudonyms()
        session.gallery.audit.append("called", {key: pseudonymous(value, names) for key, value in told.items()})
    return outcomes
