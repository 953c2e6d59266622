"""Rows of a Parquet file in the Hugging Face `Image` convention: a column image {bytes, path} beside the labels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceagent.errors import InputError, MissingExtra, UsageError

_BATCH = 1000
_KEPT = 2  # row groups in memory


def _file(path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"{path} does not exist", "Name the folder that holds it with --data, or leave the set out")
    try:
        from pyarrow import ArrowException, parquet  # imported where used: it is an optional package
    except ModuleNotFoundError:
        raise MissingExtra(f"Reading {path.name}", "train") from None
    try:
        return parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise InputError(f"{path} is no Parquet file that can be read ({error})", "Fetch it again") from None


class Table:
    """One file: labels in a stream, and photos by row.

    Raises:
        UsageError: the file does not exist.
        InputError: it is no Parquet file, or lacks a column.
        MissingExtra: pyarrow is not installed.
    """

    def __init__(self, path: Path, columns: Sequence[str] = ()) -> None:
        self._path, self._columns, self._parquet = path, list(columns), _file(path)
        present = self._parquet.schema_arrow.names
        for column in ("image", *columns):
            if column not in present:
                raise InputError(
                    f"{path} has no column {column!r} (it has {', '.join(present)})",
                    "Rename the column that holds it, or take the set out of the recipe's [sets]",
                )
        groups = range(self._parquet.metadata.num_row_groups)
        self._ends = np.cumsum([self._parquet.metadata.row_group(group).num_rows for group in groups])
        self._cache: OrderedDict[int, Any] = OrderedDict()

    def __len__(self) -> int:
        return int(self._parquet.metadata.num_rows)

    def labels(self) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
        """Row number, name of the photo and the labels of each row; the photos themselves are not read."""
        place = 0
        for batch in self._parquet.iter_batches(_BATCH, columns=["image.path", *self._columns]):
            for row in batch.to_pylist():
                yield place, str((row.pop("image") or {}).get("path") or f"row {place}"), row
                place += 1

    def photo(self, place: int) -> bytes:
        """The bytes in a row; empty where there are none. Cheap for rows near the one asked for last."""
        group = int(np.searchsorted(self._ends, place, side="right"))
        if group not in self._cache:
            self._cache[group] = self._parquet.read_row_group(group, columns=["image.bytes"])["image"]
            while len(self._cache) > _KEPT:
                self._cache.popitem(last=False)
        self._cache.move_to_end(group)
        before = int(self._ends[group - 1]) if group else 0
        stored = self._cache[group][place - before].as_py() or {}
        return bytes(stored.get("bytes") or b"")
