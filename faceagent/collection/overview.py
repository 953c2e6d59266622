"""A collection in one minute: counts, the files to look at first, what could not be examined, and a row a file.

The shards are read line by line: the page does not grow with the number of files, and memory by a hash for each.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import JsonValue

from faceagent import __version__
from faceagent.collection import facts
from faceagent.collection.manifest import Collection
from faceagent.collection.shard import Line
from faceagent.errors import InputError
from faceagent.files import write_whole
from faceagent.report.build import TITLE
from faceagent.report.document import BADGES, date
from faceagent.report.html import page
from faceagent.report.summary import FOUND, MEANING, count
from faceagent.report.table import COLUMNS, cell, exhibit_row, failure_row
from faceagent.types import SCHEMA_VERSION, ExhibitReport, Failure, Frozen, Named, VerdictKind

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

    @property
    def summary(self) -> tuple[str, ...]:
        """Sentences, most important first."""
        return tuple(_sentences(self))


def lines(collection: Collection) -> Iterator[Line]:
    """What is there so far, in the order of the manifest.

    Raises:
        InputError: a shard is damaged.
    """
    for number in range(collection.count):
        path = collection.whole(number)
        if path.exists():
            with path.open("rb") as stream:
                yield from _lines(path, stream)


def _lines(path: Path, stream: IO[bytes]) -> Iterator[Line]:
    for text in stream:
        try:
            yield Line.model_validate_json(text)
        except ValueError as error:
            raise InputError(f"{path} is damaged", "Delete it and give the same command again") from error


def overview(collection: Collection, title: str = TITLE) -> tuple[Overview, dict[str, Path]]:
    """Sum up what is there and write it beside the shards.

    Returns:
        The overview, and the files that were written by kind: "html", "json", "csv".

    Raises:
        InputError: a shard is damaged, or the folder cannot be written to.
    """
    folder = collection.folder
    try:
        index = folder / "index.csv"
        draft = index.with_suffix(".csv.part")
        with draft.open("w", encoding="utf-8-sig", newline="") as stream:
            found = _summed(collection, title, csv.DictWriter(stream, COLUMNS, restval=""))
        draft.replace(index)
        data = found.model_dump_json(indent=2).encode() + b"\n"
        html = page(
            "overview.html.j2",
            shown=found,
            badges=BADGES,
            meanings=MEANING,
            version=__version__,
            date=date(found.created),
        ).encode()
        return found, {
            "html": write_whole(folder / "overview.html", html, private=False),
            "json": write_whole(folder / "overview.json", data, private=False),
            "csv": index,
        }
    except OSError as error:
        raise InputError(
            f"The overview cannot be written to {folder} ({error.strerror or error})", "Mend that and run it again"
        ) from error


def _summed(collection: Collection, title: str, table: csv.DictWriter[str]) -> Overview:
    verdicts: Counter[VerdictKind] = Counter()
    seen: set[bytes] = set()
    first: list[Listed] = []
    failed: list[Failure] = []
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
        if line.report.verdict.kind in ("signs_of_alteration", "signs_of_synthesis"):
            first.append(_listed(line, line.report))
            first = _suspicious(first) if len(first) > 2 * _SHOWN else first
    return Overview(
        title=title,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        purpose=collection.settings.purpose,
        files=collection.settings.files,
        done=done,
        verdicts={kind: verdicts[kind] for kind in FOUND},
        copies=copies,
        failures=failures,
        first=tuple(_suspicious(first)),
        failed=tuple(failed),
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


def _sentences(found: Overview) -> Iterator[str]:
    examined = found.done - found.failures
    yield f"{_of(examined)} {'was' if examined == 1 else 'were'} examined."
    for kind, number in found.verdicts.items():
        if number:
            yield f"{count(number)} {FOUND[kind][0 if number == 1 else 1]}."
    if found.copies:
        same = "is byte for byte the same as an earlier one" if found.copies == 1 else "are copies, byte for byte"
        yield f"{count(found.copies)} {same}."
    if found.failures:
        yield f"{_of(found.failures)} could not be examined."
    if found.done < found.files:
        yield f"{_of(found.files - found.done)} {'waits' if found.files - found.done == 1 else 'wait'} to be examined."


def _of(number: int) -> str:
    return f"{count(number)} {'file' if number == 1 else 'files'}"
