"""Of the report on one file, what a table or a curve over many files shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from faceagent.report.verdict import FORGERY
from faceagent.types import Evidence, ExhibitReport

_EXIF = re.compile(r"^(\d{4}):(\d\d):(\d\d)")
"""Days as photos write them; videos write them as ISO 8601 has it."""


def probability(report: ExhibitReport) -> float | None:
    """The highest probability, 0-1, that the forgery detector gave a face of it."""
    told = (row.probability.value for row in of(report, FORGERY) if row.probability is not None)
    return max(told, default=None)


def taken(report: ExhibitReport) -> datetime | None:
    """When the file says that it was taken, in the time of the place; None where it says nothing that is a date."""
    told = next((str(row.details["taken"]) for row in of(report, "capture_record") if "taken" in row.details), "")
    try:
        moment = datetime.fromisoformat(_EXIF.sub(r"\1-\2-\3", told.strip()))
    except ValueError:
        return None
    return moment.replace(microsecond=0, tzinfo=None)


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
