"""Rows of a Parquet file in the Hugging Face `Image` convention: a column image {bytes, path} beside the labels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faceagent.errors import InputError, MissingExtra, UsageError
from faceagent_finetune.corpus.labelled import Facts, Label, LeftOut, Row
from faceagent_finetune.corpus.sources.published import row_of

_BATCH = 1000
_KEPT = 2  # row groups in memory


def parquet_file(path: Path) -> Any:
    """pyarrow's reader of a file.

    Raises:
        UsageError: the file does not exist.
        InputError: it is no Parquet file.
        MissingExtra: pyarrow is not installed.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist", "Name the folder that holds it with --data, or leave the set out")
    try:
        from pyarrow import parquet  # imported where used: it is an optional package
    except ModuleNotFoundError:
        raise MissingExtra(f"Reading {path.name}", "train") from None
    with _readable(path):
        return parquet.ParquetFile(path)


def parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a file, of these columns alone.

    Raises:
        InputError: a page is damaged. For others see `parquet_file`.
    """
    file = parquet_file(path)
    with _readable(path):
        for batch in file.iter_batches(_BATCH, columns=list(columns)):
            yield from batch.to_pylist()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """
    Raises:
        InputError: the file, or the part of it that is read, is no Parquet.
    """
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise InputError(f"{path} is no Parquet file that can be read ({error})", "Fetch it again") from None


class Table:
    """One file: labels in a stream, and photos by row.

    Args:
        image: column of the photos, {bytes, path} or the bytes alone.

    Raises:
        UsageError: the file does not exist.
        InputError: it is no Parquet file, or lacks a column.
        MissingExtra: pyarrow is not installed.
    """

    def __init__(self, path: Path, columns: Sequence[str] = (), image: str = "image") -> None:
        self._path, self._columns, self._parquet = path, list(columns), parquet_file(path)
        self._image, present = image, self._parquet.schema_arrow.names
        for column in (image, *columns):
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
        for place, row in enumerate(parquet_rows(self._path, ["image.path", *self._columns])):
            yield place, str((row.pop("image") or {}).get("path") or f"row {place}"), row

    def photo(self, place: int) -> bytes:
        """The bytes in a row; empty where there are none. Cheap for rows near the one asked for last.

        Raises:
            InputError: a page is damaged.
        """
        group = int(np.searchsorted(self._ends, place, side="right"))
        if group not in self._cache:
            with _readable(self._path):
                self._cache[group] = self._parquet.read_row_group(group, columns=[self._image])[self._image]
            while len(self._cache) > _KEPT:
                self._cache.popitem(last=False)
        self._cache.move_to_end(group)
        before = int(self._ends[group - 1]) if group else 0
        stored = self._cache[group][place - before].as_py()
        return bytes((stored.get("bytes") if isinstance(stored, dict) else stored) or b"")


@dataclass(frozen=True)
class LabelledTable:
    """A set in a Parquet file. label: what a row says, given its photo's name."""

    table: Table
    label: Callable[[str, Mapping[str, Any]], Label]

    def rows(self) -> Iterator[Row | LeftOut]:
        for place, name, labels in self.table.labels():
            # A name may stand in several rows, so that it does for no unit.
            yield row_of(name, partial(self.label, name, labels), place, str(place))

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        return self.table.photo(row.place), row.label.facts
