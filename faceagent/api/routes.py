"""The routes: each is a few lines, and what it does is in `service`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Path, Request, Response, Security, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

import faceagent
from faceagent.api import events
from faceagent.api.schemas import (
    JOB_EXAMPLE,
    Asked,
    Health,
    JobList,
    JobStatus,
    MadeFile,
    RequestLimits,
    ToolBackend,
    ToolInfo,
    ToolList,
)
from faceagent.api.service import Service
from faceagent.batch import failure
from faceagent.errors import UnknownReference
from faceagent.jobs import Job
from faceagent.policy import purposes
from faceagent.report.build import TITLE
from faceagent.translate import translated
from faceagent.types import Answered, Report, StepStarted
from faceagent.web.conversations import Conversation
from faceagent.web.gate import Client
from faceagent.web.problems import MEDIA_TYPE, Problem, Refused

Kind = Literal["html", "json", "csv", "pdf", "zip"]
_TYPES: dict[Kind, str] = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "zip": "application/zip",
}
# The page names its own style by its hash; what a header must add is that nobody frames it.
_PAGE = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _client(request: Request) -> Client:
    client: Client = request.state.client
    return client


def _form(request: Request) -> None:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise Refused(415, "Files and questions come as a form.", "Send multipart/form-data.")


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals, for the OpenAPI description."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "Refused", "content": content} for status in (401, 403, 429, *statuses)}


TheService = Annotated[Service, Depends(_service)]
TheClient = Annotated[Client, Depends(_client)]
_FILES = "Photos and videos. Their type is read from their content."
Purpose = Annotated[
    str | None,
    Form(
        description=f"What faces are read for, one of {', '.join(purposes())}; your key must allow it.", max_length=40
    ),
]
Language = Annotated[
    Literal["en", "es", "fr", "de", "zh"],
    Form(description="What the answer is told in. It is worded and checked in English; evidence stays as it is."),
]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", examples=["0123456789abcdef0123456789abcdef"])]

router = APIRouter(prefix="/v1")
guarded = APIRouter(dependencies=[Security(HTTPBearer(auto_error=False, description="An API key."))])


@router.get("/health", summary="Whether the server answers", tags=["server"])
async def health(service: TheService) -> Health:
    settings, limits = service.settings, service.settings.limits
    return Health(
        status="ok",
        version=faceagent.__version__,
        under_way=service.pool.under_way,
        limits=RequestLimits(
            files=settings.max_files,
            request_megabytes=settings.rules.max_body / 2**20,
            photo_megabytes=limits.max_bytes / 2**20,
            video_megabytes=limits.max_video_bytes / 2**20,
            photo_megapixels=limits.max_pixels / 1e6,
            requests_a_minute=settings.rules.per_minute,
        ),
    )


@guarded.get("/tools", summary="What is measured, and with what", tags=["server"], responses=_problems())
def tools(service: TheService) -> ToolList:
    return ToolList(
        tools=tuple(
            ToolInfo(
                name=tool.name,
                description=tool.description,
                arguments=tool.arguments.model_json_schema(),
                backends=tuple(
                    ToolBackend(method=one.method, here=one.here, chosen=one.chosen) for one in tool.backends()
                ),
            )
            for tool in service.agent.tools.values()
        )
    )


@guarded.post(
    "/ask",
    summary="Ask about faces in photos and videos",
    tags=["ask"],
    dependencies=[Depends(_form)],
    response_model=Asked,
    responses={
        200: {
            "description": f"The answer. {events.DESCRIPTION}",
            "content": {events.MEDIA_TYPE: {"schema": {"type": "string"}, "example": events.EXAMPLE}},
        },
        **_problems(400, 404, 409, 413, 415, 422, 503),
    },
)
async def ask(
    request: Request,
    service: TheService,
    client: TheClient,
    question: Annotated[
        str, Form(min_length=1, max_length=2000, pattern=r"\S", examples=["Do these show the same person?"])
    ],
    files: Annotated[list[UploadFile], File(description=_FILES)] = [],  # noqa: B006 - FastAPI copies it
    purpose: Purpose = None,
    conversation: Annotated[str | None, Form(description="Of an earlier answer, to go on with.", max_length=40)] = None,
    language: Language = "en",
) -> Asked | StreamingResponse:
    """Each sentence of the answer cites the evidence that it rests on. A question about earlier files names their
    conversation, and may add files."""
    stated = service.purpose(client, purpose)
    if conversation:
        talk = service.conversations.get(conversation, client.id)
        if stated not in (None, talk.session.purpose):
            raise Refused(
                409,
                f"This conversation has the purpose {talk.session.purpose or 'none'}, which holds for all of it.",
                "Begin another one for another purpose.",
            )
    else:
        talk = service.conversations.begin(client.id, stated)
    taken = await service.take(files)
    if taken.refused:
        service.uploads.remove(*taken.uploads)
        raise taken.refused[0][1]
    told = service.ask(request, talk, question, taken.uploads)
    if events.wanted(request):
        return await events.response(request, told, partial(_asked, talk, language))
    answered = [event async for event in told][-1]
    assert isinstance(answered, Answered)
    return _asked(talk, language, answered)


def _asked(talk: Conversation, language: str, answered: Answered) -> Asked:
    base = f"/v1/conversations/{talk.id}/files/"
    return Asked(
        conversation=talk.id,
        answer=translated(answered.answer, language),
        made=tuple(
            MadeFile(url=f"{base}{made.rpartition(' ')[2]}", media_type=output.media_type, bytes=len(output.data))
            for made, output in talk.session.outputs.items()
        ),
    )


@guarded.get(
    "/conversations/{conversation_id}/files/{number}",
    summary="A file that a tool made",
    tags=["ask"],
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        **_problems(404, 422),
    },
)
async def made_file(service: TheService, client: TheClient, conversation_id: Id, number: int) -> Response:
    output = service.conversations.get(conversation_id, client.id).session.outputs.get(f"output {number}")
    if output is None:
        raise UnknownReference(f"There is no file {number} in this conversation", "The answer that made it has its url")
    headers = {"Content-Disposition": f'attachment; filename="output-{number}"'}
    return Response(output.data, headers=headers, media_type=output.media_type)


@guarded.delete(
    "/conversations/{conversation_id}",
    summary="Forget a conversation and its files",
    tags=["ask"],
    status_code=204,
    responses=_problems(404, 422),
)
def forget(service: TheService, client: TheClient, conversation_id: Id) -> None:
    service.conversations.forget(service.conversations.get(conversation_id, client.id))


@guarded.post(
    "/report",
    summary="Have a report made",
    tags=["report"],
    status_code=202,
    dependencies=[Depends(_form)],
    responses={202: {"content": {"application/json": {"example": JOB_EXAMPLE}}}, **_problems(400, 413, 415, 422, 503)},
)
async def report(
    response: Response,
    service: TheService,
    client: TheClient,
    files: Annotated[list[UploadFile], File(description=_FILES, min_length=1)],
    title: Annotated[str, Form(max_length=200)] = TITLE,
    purpose: Purpose = None,
) -> JobStatus:
    """The report is made in the background: look at the job until it is done. A file that cannot be examined is named
    in the report and does not stop the others."""
    stated = service.purpose(client, purpose)
    taken = await service.take(files)
    if not taken.uploads and taken.refused:
        raise taken.refused[0][1]
    refused = [failure(name, error) for name, error in taken.refused]
    try:
        job = service.jobs.submit(taken.uploads, refused=refused, title=title, purpose=stated, owner=client.id)
    except BaseException:
        service.uploads.remove(*taken.uploads)
        raise
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return _status(service, job)


@guarded.get("/jobs", summary="Your reports", tags=["report"], responses=_problems())
def jobs(service: TheService, client: TheClient) -> JobList:
    return JobList(jobs=tuple(_status(service, job) for job in service.jobs.list(client.id)))


@guarded.get(
    "/jobs/{job_id}",
    summary="How far a report has come",
    tags=["report"],
    responses={200: {"content": {"application/json": {"example": JOB_EXAMPLE}}}, **_problems(404, 422)},
)
def job(service: TheService, client: TheClient, job_id: Id) -> JobStatus:
    return _status(service, service.jobs.get(job_id, client.id))


@guarded.delete(
    "/jobs/{job_id}",
    summary="Cancel a report, and delete everything of it",
    tags=["report"],
    status_code=204,
    responses=_problems(404, 422),
)
def delete(service: TheService, client: TheClient, job_id: Id) -> None:
    service.jobs.delete(job_id, client.id)


@guarded.get(
    "/jobs/{job_id}/report.{kind}",
    summary="The report",
    tags=["report"],
    response_class=FileResponse,
    responses={
        200: {
            "description": "The report as a page, for programs, as a table, for print, or all of it.",
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Report"}},
                **{kind.partition(";")[0]: {} for kind in _TYPES.values() if "json" not in kind},
            },
        },
        **_problems(404, 409, 422),
    },
)
async def report_file(service: TheService, client: TheClient, job_id: Id, kind: Kind) -> FileResponse:
    found = service.jobs.get(job_id, client.id)
    if found.state != "done":
        raise Refused(
            409,
            f"There is no report of this job, which is {found.state}.",
            found.message or "Look at the job until it is done.",
        )
    path = await run_in_threadpool(service.jobs.file, job_id, kind, client.id)
    headers = {"Content-Security-Policy": _PAGE} if kind == "html" else {}
    shown = "inline" if kind == "html" else "attachment"
    return FileResponse(path, 200, headers, _TYPES[kind], filename=f"report.{kind}", content_disposition_type=shown)


def _status(service: Service, found: Job) -> JobStatus:
    kinds = service.jobs.kinds(found)
    return JobStatus.of(found, {kind: f"/v1/jobs/{found.id}/report.{kind}" for kind in kinds})


router.include_router(guarded)
SCHEMAS = (Problem, Report, StepStarted)
"""Types that are named in descriptions only, and so are no part of a route's signature."""
