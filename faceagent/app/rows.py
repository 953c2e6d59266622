"""A report as a table: one row an exhibit or a file that could not be examined, and which of them are wanted."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from faceagent.report.html import exhibit_alone
from faceagent.report.verdict import FORGERY
from faceagent.types import ExhibitReport, Failure, Report, VerdictKind

Kind = VerdictKind | Literal["not_examined"]
Order = Literal["given", "likely", "name"]
_PICTURE = re.compile(r'<img src="data:image/jpeg;base64,([A-Za-z0-9+/=]+)"')
_SIDE = 112


@dataclass(frozen=True)
class Row:
    """One line of the table.

    exhibit: its id, or "" for a file that could not be examined. forgery: probability that the face most suspected was
    altered or generated, None where that was not measured. said: the headline, or why there is none. thumbnail: JPEG in
    base64, or "".
    """

    exhibit: str
    name: str
    kind: Kind
    said: str
    mend: str = ""
    forgery: float | None = None
    faces: int = 0
    thumbnail: str = ""

    @property
    def sure(self) -> float | None:
        """How far the probability is on one side, 0.5 to 1."""
        return None if self.forgery is None else max(self.forgery, 1 - self.forgery)


@dataclass(frozen=True)
class Opened:
    """A report that somebody looks at. page: its HTML."""

    job: str
    report: Report
    rows: tuple[Row, ...]
    page: str

    @staticmethod
    def of(job: str, report: Report, page: str) -> Opened:
        rows = (*(_exhibit(one, page) for one in report.exhibits), *map(_failure, report.failures))
        return Opened(job, report, rows, page)


@dataclass(frozen=True)
class Wanted:
    """Which rows are shown, and in which order.

    kind: only these; "" for all. sure: only those whose probability is at least so far on one side, 0.5 for all.
    name: only those whose name holds this, whatever its capitals.
    """

    kind: str = ""
    sure: float = 0.5
    name: str = ""
    order: Order = "given"

    def of(self, rows: Sequence[Row]) -> list[Row]:
        kept = [row for row in rows if self._keeps(row)]
        keys: dict[str, Callable[[Row], object]] = {
            "likely": lambda row: -1.0 if row.forgery is None else row.forgery,
            "name": lambda row: row.name.casefold(),
        }
        if self.order in keys:
            kept.sort(key=keys[self.order], reverse=self.order == "likely")  # type: ignore[arg-type]
        return kept

    def _keeps(self, row: Row) -> bool:
        if self.kind and row.kind != self.kind:
            return False
        if self.sure > 0.5 and (row.sure is None or row.sure < self.sure):
            return False
        return self.name.strip().casefold() in row.name.casefold()


def _exhibit(report: ExhibitReport, page: str) -> Row:
    found = [row.probability.value for row in report.evidence if row.attribute == FORGERY and row.probability]
    return Row(
        exhibit=report.exhibit.id,
        name=report.exhibit.name,
        kind=report.verdict.kind,
        said=report.verdict.headline,
        forgery=max(found, default=None),
        faces=len(report.faces),
        thumbnail=_thumbnail(exhibit_alone(page, report.exhibit.id)),
    )


def _failure(failure: Failure) -> Row:
    return Row(exhibit="", name=failure.name, kind="not_examined", said=failure.message, mend=failure.mend or "")


def _thumbnail(page: str) -> str:
    """The first picture of an exhibit's page, which shows the whole of it, as small as a table wants it."""
    found = _PICTURE.search(page)
    if found is None:
        return ""
    with Image.open(io.BytesIO(base64.b64decode(found.group(1)))) as image:
        image.draft("RGB", (_SIDE, _SIDE))
        image.thumbnail((_SIDE, _SIDE))
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()
