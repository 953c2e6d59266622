"""A question's answer as server-sent events (text/event-stream of the HTML standard): each step, then the answer.

The answer appears whole: its sentences are held against the evidence before anybody hears them.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import StreamingResponse

from faceagent.api.schemas import Asked
from faceagent.errors import FaceAgentError
from faceagent.types import Answered, Event, StepStarted
from faceagent.web.problems import Refused

_log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
DESCRIPTION = """Where `Accept` names text/event-stream, the steps are told as they happen. Each event's data is one
JSON object: `step_started` (StepStarted), `step_finished` (Step), at the end `answered` (Asked) or, where there is no
answer, `refused` (Problem). What a tool takes first (faces are looked for) is a `step_finished` of its own."""
EXAMPLE = """event: step_started
data: {"tool":"detect_faces","arguments":{"images":["image 1"]}}

event: step_finished
data: {"tool":"detect_faces","arguments":{"images":["image 1"]},"status":"ok","evidence":["e1"],"milliseconds":18.2}

event: answered
data: {"conversation":"0123456789abcdef0123456789abcdef","answer":{},"made":[]}

"""


def wanted(request: Request) -> bool:
    """Whether the sender asks for events rather than for one answer."""
    return MEDIA_TYPE in request.headers.get("accept", "").lower()


async def response(
    request: Request, events: AsyncIterator[Event], asked: Callable[[Answered], Asked]
) -> StreamingResponse:
    """Tell events as they come.

    The first is waited for, so that what is refused before anything is measured has its own status.

    Raises:
        whatever comes instead of the first event.
    """
    first = await anext(events)
    request_id = request.state.request_id

    async def told() -> AsyncIterator[str]:
        try:
            yield _told(first, asked)
            async for event in events:
                yield _told(event, asked)
        except (FaceAgentError, Refused) as error:
            refused = Refused.of(error) if isinstance(error, FaceAgentError) else error
            yield _event("refused", refused.problem(request_id))
        except Exception:  # noqa: BLE001 - the status is sent already: logged, and told as an error of ours
            _log.exception("request %s", request_id)
            refused = Refused(500, "Something unexpected went wrong.", f"Report request {request_id}.")
            yield _event("refused", refused.problem(request_id))

    return StreamingResponse(told(), media_type=MEDIA_TYPE)


def _told(event: Event, asked: Callable[[Answered], Asked]) -> str:
    if isinstance(event, Answered):
        return _event("answered", asked(event))
    if isinstance(event, StepStarted):
        return _event("step_started", event)
    return _event("step_finished", event.step)


def _event(name: str, data: BaseModel) -> str:
    """One event. JSON has no line breaks outside its strings, nor within them, so that it is one line of data."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"
