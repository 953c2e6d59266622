"""Of the report on one file, what a table or a curve over many files shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from faceagent.report.verdict import FORGERY
from faceagent.types import Evidence, ExhibitReport

_EXIF = "%Y:%m:%d %H:%M:%S"


def probability(report: ExhibitReport) -> float | None:
    """The highest probability, 0-1, that the forgery detector gave a face of it."""
    told = (row.probability.value for row in of(report, FORGERY) if row.probability is not None)
    return max(told, default=None)


def taken(report: ExhibitReport) -> datetime | None:
    """When the file says that it was taken, in the time of the place; None where it says nothing that is a date."""
    for row in of(report, "capture_record"):
        try:
            return datetime.strptime(str(row.details.get("taken")).strip(), _EXIF)
        except ValueError:
            pass
    return None


def best_face(report: ExhibitReport) -> tuple[str, float] | None:
    """The face with the highest effective resolution, and that in pixels between the eyes."""
    measured = [
        (row.subject, float(row.value))
        for row in of(report, "effective_resolution")
        if isinstance(row.value, int | float)
    ]
    return max(measured, key=lambda face: face[1], default=None)


def of(report: ExhibitReport, attribute: str, subject: str | None = None) -> Iterator[Evidence]:
    """Its evidence of one attribute."""
    return (row for row in report.evidence if row.attribute == attribute and subject in (None, row.subject))
