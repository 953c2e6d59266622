"""What sets as their authors publish them have in common: label files beside folders of images."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from faceagent.errors import InputError, MediaError, UsageError
from faceagent_finetune.corpus.labelled import SPLITS, Facts, Label, LabelMissing, LeftOut, Row

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
TEST = "it is of the set's test split"
_LISTED = 8  # entries of a folder that an error names
_ELSEWHERE = "Unpack the set there as it is published, or name its place in the recipe's [places]"


class Opened(Protocol):
    """A set that was found."""

    def rows(self) -> Iterator[Row | LeftOut]:
        """What may be chosen, in the order of the set; and why the others may not.

        Raises:
            InputError: a file lacks a column, or cannot be read.
        """
        ...

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        """A photo's file, and all that is known of it.

        Raises:
            MediaError: there is no such file, or it does not open.
            LabelMissing: what has to be known of it cannot be.
        """
        ...


@dataclass(frozen=True)
class Folder:
    """A set in a folder. read: its rows, whose names are the images' paths from the folder."""

    root: Path
    read: Callable[[Path], Iterator[Row | LeftOut]]

    def rows(self) -> Iterator[Row | LeftOut]:
        return self.read(self.root)

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        return contents(self.root, row.name), row.label.facts


def contents(root: Path, name: str) -> bytes:
    """The bytes of a file below root.

    Raises:
        MediaError: there is none, or the name leads out of root.
    """
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise MediaError(f"{name} lies outside {root}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror})") from None


def expect(root: Path, *names: str) -> None:
    """See that a folder holds these files and folders.

    Raises:
        UsageError: it does not, or does not exist.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is no folder", _ELSEWHERE)
    if not all((root / name).exists() for name in names):
        raise UsageError(f"{root}: expected {', '.join(names)}; found {listing(root)}", _ELSEWHERE)


def one_of(root: Path, *names: str) -> Path:
    """The first of some files or folders that is there.

    Raises:
        UsageError: none of them is.
    """
    found = next((root / name for name in names if (root / name).exists()), None)
    if found is None:
        raise UsageError(f"{root}: expected {' or '.join(names)}; found {listing(root)}", _ELSEWHERE)
    return found


def listing(root: Path) -> str:
    """What a folder holds, for an error."""
    if not root.is_dir():
        return "no such folder"
    names = sorted(path.name for path in islice(root.iterdir(), _LISTED))
    return ", ".join(names) or "nothing"


def images_below(root: Path) -> Iterator[str]:
    """Paths of the images below a folder, from it, in order."""
    for path in sorted(path for path in root.rglob("*") if path.suffix.lower() in IMAGES):
        yield path.relative_to(root).as_posix()


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """The lines of a table.

    Raises:
        InputError: a column is missing, or it is no CSV.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        reader = csv.DictReader(lines, skipinitialspace=True)
        try:
            has_columns(path, columns, reader.fieldnames or ())
            yield from reader
        except csv.Error as error:
            raise InputError(f"{path}, line {reader.line_num}, is no CSV ({error})", "Fetch it again") from None


def has_columns(path: Path, columns: Sequence[str], found: Sequence[str]) -> None:
    """
    Raises:
        InputError: one is missing.
    """
    if not set(columns) <= set(found):
        raise InputError(
            f"{path}: expected the columns {', '.join(columns)}; found {', '.join(found) or 'none'}",
            "Rename those that hold them, or take the set out of the recipe's [sets]",
        )


def row_of(name: str, label: Callable[[], Label], place: int = 0, unit: str | None = None) -> Row | LeftOut:
    """A photo by itself (or with those of its unit), or why it is left out."""
    try:
        made = label()
        if made.split not in SPLITS:
            raise LabelMissing(f"split is {made.split!r}, neither train nor val")
    except LabelMissing as missing:
        return LeftOut(name, str(missing), missing.fault)
    return Row(place, name, made, unit or name)


def hashed_split(key: str) -> str:
    """ "val" for one in ten, by a hash of what must not be in two splits; for sets that have no split."""
    return "train" if zlib.crc32(key.encode()) % 10 else "val"


@dataclass
class Rooted:
    """Finds files by the paths that they had on their authors' machine: the longest end of one that exists here."""

    root: Path
    _cut: int = field(default=0, init=False)  # parts that were cut off the last time

    def name(self, path: str) -> str:
        """Its path from root; what it was, where there is no such file."""
        parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        for cut in (self._cut, *range(len(parts))):
            name = "/".join(parts[cut:])
            if name and (self.root / name).is_file():
                self._cut = cut
                return name
        return "/".join(parts)


def json_files(root: Path) -> list[Path]:
    """The JSON files of a set, from its folder or one below it.

    Raises:
        UsageError: there is none.
    """
    files = sorted([*root.glob("*.json*"), *root.glob("*/*.json*")])
    if not files:
        raise UsageError(f"{root}: expected a .json or .jsonl file; found {listing(root)}", _ELSEWHERE)
    return files
