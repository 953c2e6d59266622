"""The application: routes, refusals and the gate, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

import faceagent
from faceagent.agent import FaceAgent
from faceagent.api.routes import SCHEMAS, router
from faceagent.api.service import Service, Settings
from faceagent.errors import FaceAgentError
from faceagent.web.gate import Gate
from faceagent.web.problems import Fault, Refused

DESCRIPTION = "/openapi.json"
OPEN = frozenset({"/v1/health", DESCRIPTION})
"""Paths that need no key."""
_PURGE_EVERY = 300.0  # seconds


def create_app(agent: FaceAgent, settings: Settings) -> FastAPI:
    """The API as an ASGI application.

    Args:
        agent: answers the questions. Its tools are called from several threads.

    Raises:
        UsageError: the data folder cannot be used.
    """
    service = Service(agent, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        purging = asyncio.ensure_future(_purge(service))
        yield
        purging.cancel()
        await run_in_threadpool(service.close)

    # Pages that try the API out load scripts of others, and this server sends none.
    app = FastAPI(
        title="faceagent",
        version=faceagent.__version__,
        summary="Questions about faces in photos and videos, answered with evidence; explainable authenticity reports.",
        openapi_url=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    app.include_router(router)
    app.add_middleware(Gate, rules=settings.rules)
    app.add_exception_handler(FaceAgentError, _failed)
    app.add_exception_handler(Refused, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    described = _described(app)
    app.openapi = lambda: described  # type: ignore[method-assign]
    return app


async def _purge(service: Service) -> None:
    while True:
        await run_in_threadpool(service.purge)
        await asyncio.sleep(_PURGE_EVERY)


async def _failed(request: Request, error: Exception) -> Response:
    refused = Refused.of(error) if isinstance(error, FaceAgentError) else error
    assert isinstance(refused, Refused)
    return refused.response(request.state.request_id)


async def _invalid(request: Request, error: Exception) -> Response:
    """What was sent is not repeated: only where it is wrong, and why."""
    assert isinstance(error, RequestValidationError)
    faults = tuple(
        Fault(place=".".join(map(str, fault["loc"])), message=fault["msg"].removeprefix("Value error, "))
        for fault in error.errors()
    )
    refused = Refused(422, f"The request is not valid: {faults[0].place}: {faults[0].message}.", f"See {DESCRIPTION}.")
    return refused.response(request.state.request_id, faults)


async def _http(request: Request, error: Exception) -> Response:
    """A path or method that does not exist, or a form that cannot be read."""
    assert isinstance(error, HTTPException)
    refused = Refused(error.status_code, f"{error.detail.rstrip('.')}.", f"See {DESCRIPTION}.")
    response = refused.response(request.state.request_id)
    response.headers.update(error.headers or {})
    return response


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with the types that only refusals and files have."""
    described = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = described["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in SCHEMAS:
        found = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        for name, part in found.pop("$defs", {}).items():
            schemas.setdefault(name, part)
        schemas[model.__name__] = found
    return described
