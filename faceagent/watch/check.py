"""One file against the protected people of a gallery: what verify_protected_identity says of it, as alerts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from faceagent.called import called
from faceagent.errors import ToolError, UsageError
from faceagent.gallery import Gallery
from faceagent.media import Limits
from faceagent.session import Session
from faceagent.tool import VIDEO, Names, Outcome, Toolbox
from faceagent.types import Box, Evidence, Frozen
from faceagent.video import Video, take

VERIFIES = "verify_protected_identity"
PURPOSE = "protection"
_TOGETHER = 50  # files for which a conversation is kept, with what it knows of the protected people

Kind = Literal["imitation", "not_authentic", "undecided", "authentic"]
_KINDS: dict[str, Kind] = {
    "swap": "imitation",
    "synthesised": "imitation",
    "not_authentic": "not_authentic",
    "undecided": "undecided",
    "genuine": "authentic",
}


class Alert(Frozen):
    """A face of a file that concerns a protected person.

    id: the same for the same face of the same file, so that who gets an alert twice can tell. kind: "not_authentic" is
    somebody who looks alike or an imitation, which likeness alone cannot tell. finding, probability,
    event, prior, likeness: of verify_protected_identity. box: in pixels of the photo, or of the frame of a video.
    sentences: what the tool says.
    """

    id: str
    kind: Kind
    at: str
    file: str
    sha256: str
    person: str
    finding: str
    probability: float | None
    event: str | None
    prior: float | None
    likeness: float | None
    box: Box | None
    sentences: tuple[str, ...]


class Check:
    """Args:
        kinds: what is an alert. "other", a face that is nobody's who is protected, never is.

    Raises:
        UsageError: nobody is protected, or the tool is not installed.
    """

    def __init__(self, tools: Toolbox, gallery: Gallery, kinds: Sequence[Kind], limits: Limits | None = None) -> None:
        if VERIFIES not in tools:
            raise UsageError(f"No installed tool does that ({VERIFIES})", "Install faceagent itself")
        if not any(person.protected for person in gallery.people()):
            raise UsageError(
                "Nobody is enrolled as a protected person", "Enrol somebody: faceagent enroll NAME PHOTO… --protected"
            )
        self._tools, self._gallery, self._kinds, self._limits = tools, gallery, kinds, limits
        self._session, self._used = Session(PURPOSE, gallery), 0

    def file(self, path: Path) -> list[Alert]:
        """The alerts of one photo or video; the call is in the gallery's audit log.

        Raises:
            MediaError: it cannot be used.
            MissingExtra: it is a video, and they cannot be read here.
            ToolError: a tool failed.
            AuditError: the log cannot be written.
        """
        taken = take(path, self._limits)
        session = self._renewed()
        if isinstance(taken, Video):
            session.add_video(taken)
            self._raise(called(self._tools, session, VIDEO, {}))
        else:
            session.add(taken)
        # Frames in which faces are seen best are photos of the session by now; without one there is nothing to verify.
        images = session.images
        outcomes = called(self._tools, session, VERIFIES, {"subjects": images}) if images else []
        self._raise(outcomes)
        found = self._alerts(path, taken.sha256, outcomes[-1]) if outcomes else []
        for image in images:
            session.release(image)
        if isinstance(taken, Video):
            self._used = _TOGETHER  # a session does not let go of videos
        return found

    def _renewed(self) -> Session:
        if self._used >= _TOGETHER or self._session.images:
            self._session, self._used = Session(PURPOSE, self._gallery), 0
        self._used += 1
        return self._session

    @staticmethod
    def _raise(outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.step.status != "ok":
                raise ToolError(outcome.step.message or f"{outcome.step.tool} failed")

    def _alerts(self, path: Path, sha256: str, outcome: Outcome) -> list[Alert]:
        made = []
        for row in outcome.evidence:
            kind = _KINDS.get(str(row.value))
            if (
                row.attribute == "protected_identity"
                and row.status == "ok"
                and kind is not None
                and kind in self._kinds
            ):
                made.append(self._alert(path, sha256, row, kind, outcome))
        return made

    def _alert(self, path: Path, sha256: str, row: Evidence, kind: Kind, outcome: Outcome) -> Alert:
        mine = [one for one in outcome.evidence if one.subject == row.subject]
        # One face in view: the sentences say "the face".
        told = self._tools[VERIFIES].word(mine, Names(images=(), faces=(row.subject,)))
        likeness = row.details.get("likeness")
        where = "" if row.region is None else row.region.model_dump_json()
        return Alert(
            id=hashlib.sha256(f"{path}\0{sha256}\0{where}".encode(errors="surrogateescape")).hexdigest()[:32],
            kind=kind,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            file=str(path),
            sha256=sha256,
            person=str(row.details["name"]),
            finding=str(row.value),
            probability=row.probability.value if row.probability else None,
            event=row.probability.event if row.probability else None,
            prior=row.probability.prior if row.probability else None,
            likeness=_number(likeness),
            box=row.region,
            sentences=tuple(claim.sentence for claim in told),
        )


def _number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None
