"""Refusals that programs can read: RFC 9457, with the mend beside the message."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field
from starlette.responses import Response

from faceagent.errors import (
    Busy,
    FaceAgentError,
    InputError,
    MediaTooLarge,
    MissingExtra,
    PolicyError,
    UnknownFormat,
    UnknownReference,
)
from faceagent.types import Frozen, Named

MEDIA_TYPE = "application/problem+json"
# The first class that fits.
_STATUS: tuple[tuple[type[FaceAgentError], int], ...] = (
    (MediaTooLarge, 413),
    (UnknownFormat, 415),
    (MissingExtra, 415),
    (UnknownReference, 404),
    (PolicyError, 403),
    (Busy, 503),
    (InputError, 422),
)


class Fault(Frozen):
    """One thing that is wrong with a request. place: where, e.g. "body.question"."""

    place: str
    message: str


class Problem(Frozen):
    """Why a request was refused (RFC 9457). mend: what to do about it. instance: the request, as the log has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Named
    mend: Named | None = None
    instance: str | None = None
    faults: tuple[Fault, ...] = Field(default=(), description="Each thing that is wrong, where there are several.")


class Refused(Exception):
    """A request is refused with this status. seconds: after how long it is worth trying again."""

    def __init__(self, status: int, detail: str, mend: str | None = None, *, seconds: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.mend, self.seconds = status, detail, mend, seconds

    @staticmethod
    def of(error: FaceAgentError) -> Refused:
        """The same as an answer to a request. Those that are not the sender's fault have status 500."""
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        mend = f"{error.mend}." if error.mend else None
        return Refused(status, f"{error.message}.", mend, seconds=error.seconds if isinstance(error, Busy) else None)

    def problem(self, request_id: str | None, faults: tuple[Fault, ...] = ()) -> Problem:
        return Problem(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            mend=self.mend,
            instance=f"urn:faceagent:request:{request_id}" if request_id else None,
            faults=faults,
        )

    def response(self, request_id: str | None, faults: tuple[Fault, ...] = ()) -> Response:
        headers = {} if self.seconds is None else {"Retry-After": str(self.seconds)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        body = self.problem(request_id, faults).model_dump_json(exclude_defaults=False, exclude_none=True)
        return Response(body, self.status, headers, MEDIA_TYPE)
