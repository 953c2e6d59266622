"""The findings of a finished collection as Parquet, in a folder or a store, for DuckDB, pandas and the like.

    PLACE/export.json                   which collection it is
    PLACE/parquet/part-00000.parquet    a row a file (`COLUMNS`), 10,000 a part
    PLACE/overview.html, overview.json

    SELECT verdict, count(*) FROM 'PLACE/parquet/*.parquet' GROUP BY verdict

Each of them is written whole or not at all; parts that are there already are left as they are. `claimed` finds out
before the run, which may take days, whether that will be possible.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from faceagent.collection import facts, stores
from faceagent.collection.lines import Line, lines
from faceagent.collection.manifest import Collection
from faceagent.errors import MissingExtra, UsageError
from faceagent.report.table import PROVENANCE, exhibit_row
from faceagent.types import SCHEMA_VERSION, ExhibitReport

ROWS = 10_000
_WHO, _PARTS = "export.json", "parquet"
COLUMNS: dict[str, tuple[str, str]] = {
    "number": ("int64", "place in the manifest, from 0: that of the line in shards/"),
    "source": ("string", "path or address, as it was given"),
    "sha256": ("string", "of the file's bytes, in hexadecimal digits"),
    "bytes": ("int64", "size of the file"),
    "format": ("string", "what the file is, whatever it is called"),
    "width": ("int32", "pixels, upright"),
    "height": ("int32", "pixels, upright"),
    "taken": ("timestamp[s]", "when the file says that it was taken, in the time of the place"),
    "verdict": ("string", "signs_of_alteration, signs_of_synthesis, inconclusive or no_sign_found"),
    "headline": ("string", "the finding in one sentence"),
    "probability": ("double", "highest of its faces, 0-1, of being altered or generated; calibrated"),
    "faces": ("int32", "how many were found"),
    "resolution": ("double", "pixels between the eyes that the best-resolved face amounts to"),
    "sharpness": ("string", "of that face"),
    "fit_for": ("list<string>", "what that face is good enough for"),
    "content_credentials": ("string", "C2PA: absent, valid, invalid …"),
    "digital_source_type": ("string", "what the file states to be: a photo, made by a model …"),
    "editing_software": ("list<string>", "programs that the file names"),
    "generator_marks": ("list<string>", "marks of generators in the file"),
    "thumbnail": ("string", "whether the embedded one shows the same picture"),
    "jpeg_quality": ("int32", "nearest IJG setting, 1-100"),
    "milliseconds": ("double", "time that the tools took"),
    "failure": ("string", "why it could not be examined; everything else but number and source is null then"),
    "mend": ("string", "what to do about that"),
}
"""By name the type and the meaning, which is also in the file, as metadata of the column."""
_LISTS = ("editing_software", "generator_marks")


def claimed(collection: Collection, place: str) -> str:
    """Say in a folder or at an address whose findings will be there, to be done before the run.

    Returns:
        The address of the place.

    Raises:
        UsageError: something else is there. MissingExtra: pyarrow or fsspec is not installed.
        InputError: it cannot be written there.
    """
    _arrow()
    address = place if stores.is_address(place) else f"file://{Path(place).absolute().as_posix()}"
    address = address.rstrip("/")
    there = stores.beneath(address)
    if "" in there:
        raise UsageError(f"{place} is a file", "Name a folder with --export")
    whose = {"manifest_sha256": collection.digest, "settings": collection.settings.model_dump(mode="json")}
    data = json.dumps({"schema_version": SCHEMA_VERSION, **whose}).encode()
    if _WHO in there:
        if stores.whole(f"{address}/{_WHO}") != data:
            raise UsageError(f"{place} holds the findings of another collection", "Name another place with --export")
    elif any(name.startswith(f"{_PARTS}/") for name in there):
        raise UsageError(f"{place}/{_PARTS} holds something else", "Name another place with --export")
    stores.put(f"{address}/{_WHO}", data)
    return address


def export(collection: Collection, address: str, beside: Sequence[str]) -> None:
    """Write the findings to a place that is `claimed`.

    Args:
        beside: parts of the report to be copied beside the Parquet files.

    Raises:
        InputError: it cannot be written there, or the report cannot be read.
    """
    there = stores.beneath(address)
    found = lines(collection)
    for part in itertools.count():
        rows = list(itertools.islice(found, ROWS))
        if not rows:
            break
        name = f"{_PARTS}/part-{part:05}.parquet"
        if name not in there:
            stores.put(f"{address}/{name}", parquet([row_of(line) for line in rows]))
    for name in beside:
        with collection.place.open(name) as stream:
            stores.put(f"{address}/{name}", stream.read())


def row_of(line: Line) -> dict[str, Any]:
    """One file by column."""
    row = {"number": line.number, "source": line.source}
    if line.report is not None:
        return row | _report_row(line.report)
    if line.failure is not None:
        return row | {"failure": line.failure.message, "mend": line.failure.mend}
    return row


def _report_row(report: ExhibitReport) -> dict[str, Any]:
    told = exhibit_row(report)
    face = facts.best_face(report)
    fitness = [_texts(row.value) for row in facts.of(report, "fitness", face[0])] if face else []
    sharpness = [row.value for row in facts.of(report, "sharpness", face[0])] if face else []
    return {
        **{name: told[name] for name in ("sha256", "bytes", "format", "width", "height", "verdict", "headline")},
        **{name: _texts(told[name]) if name in _LISTS else _plain(told[name]) for name in PROVENANCE},
        "taken": facts.taken(report),
        "probability": facts.probability(report),
        "faces": told["faces"],
        "resolution": face and face[1],
        "sharpness": sharpness[0] if sharpness else None,
        "fit_for": fitness[0] if fitness else None,
        "milliseconds": sum(step.milliseconds for step in report.steps),
    }


def _texts(value: JsonValue) -> list[str] | None:
    return [str(_plain(item)) for item in value] if isinstance(value, list) else None


def _plain(value: JsonValue) -> str | int | float | None:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as a Parquet file.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    pa, pq = _arrow()
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema(list(_fields(pa)))), file, compression="zstd")
    return file.getvalue()


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("Parquet", "scale") from None
    return pyarrow, pyarrow.parquet


def _fields(pa: Any) -> Iterator[Any]:
    kinds = {"timestamp[s]": pa.timestamp("s"), "list<string>": pa.list_(pa.string()), "double": pa.float64()}
    for name, (kind, meaning) in COLUMNS.items():
        yield pa.field(name, kinds.get(kind) or pa.type_for_alias(kind), metadata={"meaning": meaning})
