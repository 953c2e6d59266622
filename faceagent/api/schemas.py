"""What the API takes and gives, beside the types that flow everywhere (`Answer`, `Report`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from faceagent.jobs import Job, State
from faceagent.types import Answer, Failure, Finite, Frozen, Method, Named

JOB_EXAMPLE = {
    "id": "0123456789abcdef0123456789abcdef",
    "state": "running",
    "title": "Authenticity report",
    "files": ["portrait.jpg", "group.jpg"],
    "done": 1,
    "total": 2,
    "seconds_left": 1.4,
    "created": "2026-11-28T20:00:00Z",
}


class MadeFile(Frozen):
    """A file that a tool made, such as an anonymised copy. url: where it is, while its conversation is remembered."""

    url: str
    media_type: str
    bytes: int


class Asked(Frozen):
    """An answer, and the conversation to go on with."""

    conversation: str = Field(description="Send it with the next question about the same files.")
    answer: Answer
    made: tuple[MadeFile, ...] = ()


class JobStatus(Frozen):
    """How far a report has come."""

    id: str
    state: State
    title: Named
    purpose: str | None = None
    files: tuple[Named, ...] = Field(description="What their sender calls them.")
    done: int = Field(description="How many of the files were examined.")
    total: int
    seconds_left: Finite | None = Field(None, description="At the pace so far.")
    failures: tuple[Failure, ...] = Field((), description="Files that could not be examined, and why.")
    message: Named | None = Field(None, description="Why there is no report.")
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    report: dict[str, str] = Field({}, description="Where the report is, by kind, once it is done.")

    @staticmethod
    def of(job: Job, report: dict[str, str]) -> JobStatus:
        fields = job.model_dump(include=set(JobStatus.model_fields) - {"files", "report"})
        return JobStatus(**fields, files=job.names, total=len(job.files), report=report)


class JobList(Frozen):
    jobs: tuple[JobStatus, ...]


class ToolBackend(Frozen):
    """Something that a tool can run on. here: usable now. chosen: in use."""

    method: Method
    here: bool
    chosen: bool


class ToolInfo(Frozen):
    """A tool: what it measures, the JSON Schema of its arguments, and what it runs on."""

    name: str
    description: str
    arguments: dict[str, Any]
    backends: tuple[ToolBackend, ...]


class ToolList(Frozen):
    tools: tuple[ToolInfo, ...]


class RequestLimits(Frozen):
    """What is refused. files: of a request; megabytes: of a request, megapixels: of a photo."""

    files: int
    request_megabytes: float
    photo_megabytes: float
    video_megabytes: float
    photo_megapixels: float
    requests_a_minute: int


class Health(Frozen):
    """That the server answers. under_way: questions being answered or waiting."""

    status: str
    version: str
    under_way: int
    limits: RequestLimits
