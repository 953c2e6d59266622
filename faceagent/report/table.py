"""A Report as CSV: one row an exhibit, then one a failed input.

Written for spreadsheets: UTF-8 with a byte-order mark (or Excel garbles typographic quotes), and no cell that a
spreadsheet would run as a formula.
"""

from __future__ import annotations

import csv
import io
import json

from pydantic import JsonValue

from faceagent.report.text import visible
from faceagent.types import ExhibitReport, Failure, Report

PROVENANCE = (
    "content_credentials",
    "digital_source_type",
    "editing_software",
    "generator_marks",
    "thumbnail",
    "jpeg_quality",
)
COLUMNS = (
    "exhibit",
    "file",
    "sha256",
    "bytes",
    "format",
    "width",
    "height",
    "verdict",
    "headline",
    "faces",
    *PROVENANCE,
    "failure",
    "mend",
)
# OWASP, "CSV injection": a cell that starts with one of these is a formula to some spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_csv(report: Report) -> str:
    """The table as text, without the byte-order mark; lines end in CR LF (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="")
    writer.writeheader()
    for row in (*map(exhibit_row, report.exhibits), *map(failure_row, report.failures)):
        writer.writerow({name: cell(value) for name, value in row.items()})
    return buffer.getvalue()


def cell(value: JsonValue) -> str:
    """A value as the text of one harmless cell. Numbers of ours stay numbers; text that could be run gets a quote."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    text = value if isinstance(value, str) else _joined(value)
    text = visible(text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _joined(value: JsonValue) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(str(item) for item in value)
    return json.dumps(value, ensure_ascii=False)


def exhibit_row(report: ExhibitReport) -> dict[str, JsonValue]:
    """By column."""
    exhibit = report.exhibit
    records = {row.attribute: row.value for row in report.evidence if row.subject == exhibit.id}
    return {
        "exhibit": exhibit.id,
        "file": exhibit.name,
        "sha256": exhibit.sha256,
        "bytes": exhibit.bytes,
        "format": exhibit.format,
        "width": exhibit.width,
        "height": exhibit.height,
        "verdict": report.verdict.kind,
        "headline": report.verdict.headline,
        "faces": len(report.faces) if {"face_count", "frames"} & records.keys() else None,
        **{name: records.get(name) for name in PROVENANCE},
    }


def failure_row(failure: Failure) -> dict[str, JsonValue]:
    """By column."""
    return {"file": failure.name, "failure": failure.message, "mend": failure.mend}
