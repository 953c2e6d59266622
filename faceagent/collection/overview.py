"""A collection in one minute: counts, the files to look at first, what could not be examined, and a row a file.

The shards are read line by line: the page does not grow with the number of files, and memory by a hash for each.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from faceagent.collection import facts
from faceagent.collection.lines import Line, lines
from faceagent.collection.manifest import Collection
from faceagent.collection.periods import Days, Period
from faceagent.errors import InputError
from faceagent.report.build import TITLE
from faceagent.report.summary import FOUND
from faceagent.report.table import COLUMNS, cell, exhibit_row, failure_row
from faceagent.types import SCHEMA_VERSION, ExhibitReport, Failure, Frozen, Named, VerdictKind

INDEX, JSON = "index.csv", "overview.json"
_SHOWN = 100
_WEIGHT: dict[VerdictKind, int] = {kind: len(FOUND) - place for place, kind in enumerate(FOUND)}


class Listed(Frozen):
    """A file of the collection. probability: the highest that the forgery detector gave a face of it."""

    number: int
    source: Named
    kind: VerdictKind
    headline: str
    probability: float | None = None


class Overview(Frozen):
    """What a collection's files came to.

    files: of the manifest. done: of these, whose shards are whole. copies: files that are byte for byte an earlier
    one. first: those to look at first, most suspicious first. failed, some: those that could not be examined.
    periods: when they say that they were taken.
    """

    schema_version: str = SCHEMA_VERSION
    title: Named
    created: str
    purpose: str | None
    files: int
    done: int
    verdicts: dict[VerdictKind, int]
    copies: int
    failures: int
    first: tuple[Listed, ...] = ()
    failed: tuple[Failure, ...] = ()
    periods: tuple[Period, ...] = ()


def overview(collection: Collection, title: str = TITLE) -> Overview:
    """Sum up what is there and write it beside the shards, as `JSON` and `INDEX`. `page.to_html` shows it.

    Raises:
        InputError: a shard is damaged, or it cannot be written there.
    """
    place = collection.place
    try:
        draft = place.work / f"{INDEX}.part"
        with draft.open("w", encoding="utf-8-sig", newline="") as stream:
            found = _summed(collection, title, csv.DictWriter(stream, COLUMNS, restval=""))
        place.take(draft, INDEX)
        place.write(JSON, found.model_dump_json(indent=2).encode() + b"\n")
    except OSError as error:
        raise InputError(
            f"The overview cannot be written to {place} ({error.strerror or error})", "Mend that and run it again"
        ) from error
    return found


def _summed(collection: Collection, title: str, table: csv.DictWriter[str]) -> Overview:
    verdicts: Counter[VerdictKind] = Counter()
    seen: set[bytes] = set()
    first: list[Listed] = []
    failed: list[Failure] = []
    days = Days()
    failures = copies = done = 0
    table.writeheader()
    for line in lines(collection):
        done += 1
        table.writerow({name: cell(value) for name, value in _row(line).items()})
        if line.report is None:
            failures += 1
            failed += [line.failure] if line.failure and len(failed) < _SHOWN else []
            continue
        verdicts[line.report.verdict.kind] += 1
        digest = bytes.fromhex(line.report.exhibit.sha256)
        copies += digest in seen
        seen.add(digest)
        suspicious = line.report.verdict.kind in ("signs_of_alteration", "signs_of_synthesis")
        if moment := facts.taken(line.report):
            days.add(moment.date(), suspicious)
        if suspicious:
            first.append(_listed(line, line.report))
            first = _suspicious(first) if len(first) > 2 * _SHOWN else first
    now = datetime.now(UTC)
    return Overview(
        title=title,
        created=now.isoformat(timespec="seconds"),
        purpose=collection.settings.purpose,
        files=collection.settings.files,
        done=done,
        verdicts={kind: verdicts[kind] for kind in FOUND},
        copies=copies,
        failures=failures,
        first=tuple(_suspicious(first)),
        failed=tuple(failed),
        periods=days.periods(now.date()),
    )


def _row(line: Line) -> dict[str, JsonValue]:
    """As in the table of any report, with the place in the collection for the exhibit's id."""
    told = exhibit_row(line.report) if line.report else failure_row(line.failure) if line.failure else {}
    return told | {"exhibit": line.number + 1, "file": line.source}


def _listed(line: Line, report: ExhibitReport) -> Listed:
    return Listed(
        number=line.number + 1,
        source=line.source,
        kind=report.verdict.kind,
        headline=report.verdict.headline,
        probability=facts.probability(report),
    )


def _suspicious(found: Sequence[Listed]) -> list[Listed]:
    """Those to look at first."""
    return sorted(found, key=lambda one: (-_WEIGHT[one.kind], -(one.probability or 0.0), one.number))[:_SHOWN]
