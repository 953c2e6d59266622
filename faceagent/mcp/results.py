"""What the server's own tools take and give. Everything else are the types that flow everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from faceagent.tool import Arguments, printable
from faceagent.types import Answer, Claim, Evidence, Exhibit, Failure, Frozen, Report, Step, Verdict

MOST_FILES = 20
Paths = tuple[str, ...]


class OpenPhotos(Arguments):
    paths: Paths = Field(min_length=1, max_length=MOST_FILES, description="Photos and videos in the allowed folders.")


class Ask(Arguments):
    question: str = Field(min_length=1, max_length=2000, description="In any of several languages.")
    conversation: str | None = Field(None, description="Of `open_photos` or an earlier `ask`, to go on with.")
    paths: Paths = Field((), max_length=MOST_FILES, description="Photos and videos to open first.")


class MakeReport(Arguments):
    paths: Paths = Field(min_length=1, max_length=MOST_FILES, description="Photos and videos in the allowed folders.")
    title: str = Field("Authenticity report", max_length=200)


class OpenedFile(Frozen):
    """id: what tools and questions call it."""

    id: str
    name: str
    kind: Literal["photo", "video"]
    width: int
    height: int


class Opened(Frozen):
    conversation: str
    files: tuple[OpenedFile, ...]
    failures: tuple[Failure, ...] = ()


class Asked(Frozen):
    conversation: str
    answer: Answer


class Measured(Frozen):
    """What a call of a tool gave. claims: in sentences, each with the evidence that it rests on."""

    steps: tuple[Step, ...]
    evidence: tuple[Evidence, ...]
    claims: tuple[Claim, ...]


class ReportedFile(Frozen):
    exhibit: Exhibit
    verdict: Verdict


class Reported(Frozen):
    """A report without its evidence, which its files hold. files: where they are, by kind, if they are kept."""

    title: str
    purpose: str | None
    summary: tuple[str, ...]
    exhibits: tuple[ReportedFile, ...]
    across: tuple[Claim, ...]
    failures: tuple[Failure, ...]
    limitations: tuple[str, ...]
    files: dict[str, str] = Field(default_factory=dict)

    @staticmethod
    def of(report: Report, files: dict[str, str]) -> Reported:
        return Reported(
            title=report.title,
            purpose=report.purpose,
            summary=report.summary,
            exhibits=tuple(ReportedFile(exhibit=quoted(one.exhibit), verdict=one.verdict) for one in report.exhibits),
            across=report.across,
            failures=report.failures,
            limitations=report.limitations,
            files=files,
        )


def quoted(exhibit: Exhibit) -> Exhibit:
    """The same with a name of one printable line: a client may show it to a model."""
    return exhibit.model_copy(update={"name": printable(exhibit.name)})


def shortened(rows: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Evidence as a client may show it to a model: without the further values, in which files have their say at length,
    and with every text on one printable line."""
    return tuple(Evidence.model_validate(printable(_without_details(row))) for row in rows)


def _without_details(row: Evidence) -> dict[str, Any]:
    return row.model_dump(mode="json", exclude={"details", "limitations", "method"}) | {
        "limitations": row.limitations,
        "method": row.method,
    }
