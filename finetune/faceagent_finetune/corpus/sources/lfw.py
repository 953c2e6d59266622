"""Labeled Faces in the Wild (Huang et al. 2007): pairs of photos of one person or of two.

As published (vis-www.cs.umass.edu/lfw, README): pairs.txt ("folds pairs", or the number of pairs alone, then "name n m"
for one person and "name n other m" for two), beside lfw/ or one of its aligned versions with a folder a person. Any set
in that layout can be read.

The set has no split. A person is in val or in train by the hash of the name, as in `nets.forensic.crops`; a pair whose
people are in different splits is left out. Who trains on these pairs cannot quote a result on LFW.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceagent.errors import InputError, MediaError, UsageError
from faceagent_finetune.corpus.labelled import Facts, Label, LeftOut, Row
from faceagent_finetune.corpus.sources.published import IMAGES, contents, csv_rows, expect, one_of
from faceagent_finetune.corpus.sources.table import Table
from faceagent_finetune.nets.forensic import crops

FILE, PAIRS = "identity/lfw_images.parquet", "lfw_pairs_folds1-2.csv"
LICENCE = "LFW: research use"
CONSENT = "news photos of public figures; the people shown were not asked"
COLUMNS = ("name",)
_FOLDERS = ("lfw", "lfw-deepfunneled", "lfw_funneled", "lfw-funneled")
Pair = tuple[str, str, bool]
"""Two photos' names ("Aaron_Peirsol_0001"), and whether they show one person."""


@dataclass(frozen=True)
class Pairs:
    """A Parquet file with the pairs in a CSV beside it."""

    table: Table
    pairs: Path

    def rows(self) -> Iterator[Row | LeftOut]:
        """
        Raises:
            UsageError: there is no file of pairs. InputError: it lacks a column.
        """
        if not self.pairs.is_file():
            raise UsageError(f"{self.pairs} does not exist", "Put it beside the photos, or leave lfw out of [sets]")
        places = {str(row["name"]): place for place, _, row in self.table.labels()}
        lines = csv_rows(self.pairs, ("a", "b", "same"))
        for number, pair in enumerate((line["a"], line["b"], line["same"] == "True") for line in lines):
            missing = [name for name in pair[:2] if name not in places]
            if missing:
                yield LeftOut(f"pair {number}", f"{missing[0]} has no photo")
            else:
                yield from _paired(number, pair, (places[pair[0]], places[pair[1]]))

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        return self.table.photo(row.place), row.label.facts


@dataclass(frozen=True)
class Published:
    """pairs.txt beside the folders of people."""

    root: Path

    def rows(self) -> Iterator[Row | LeftOut]:
        """
        Raises:
            UsageError: the file or the folder is missing. InputError: a line is not as expected.
        """
        expect(self.root, "pairs.txt")
        one_of(self.root, *_FOLDERS)
        for number, pair in enumerate(read_pairs(self.root / "pairs.txt")):
            yield from _paired(number, pair, (0, 0))

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        images = one_of(self.root, *_FOLDERS)
        person = images / crops.person(row.name)
        file = next((file for suffix in IMAGES if (file := person / f"{row.name}{suffix}").is_file()), None)
        if file is None:
            raise MediaError(f"{person} has no photo {row.name}")
        return contents(images, file.relative_to(images).as_posix()), row.label.facts


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file like pairs.txt.

    Raises:
        InputError: a line is not as expected.
    """
    with path.open(encoding="utf-8", errors="replace") as lines:
        head = next(lines, "").split()
        if not 1 <= len(head) <= 2 or not all(word.isdecimal() for word in head):
            raise _unexpected(path, 1, 'folds and pairs, as in "10 300"', head)
        for number, line in enumerate(lines, start=2):
            words = line.split()
            if not words:
                continue
            shots = words[1:] if len(words) == 3 else words[1::2]
            if len(words) not in (3, 4) or not all(shot.isdecimal() for shot in shots):
                raise _unexpected(path, number, '"name n m" or "name n other m"', words)
            other = words[2] if len(words) == 4 else words[0]
            yield f"{words[0]}_{int(shots[0]):04d}", f"{other}_{int(shots[1]):04d}", len(words) == 3


def _unexpected(path: Path, number: int, expected: str, found: Sequence[str]) -> InputError:
    return InputError(
        f"{path.parent}: line {number} of {path.name}: expected {expected}; found {' '.join(found)!r}", "Mend that line"
    )


def _paired(number: int, pair: Pair, places: tuple[int, int]) -> Iterator[Row | LeftOut]:
    """Two rows, one after the other; or why the pair is left out."""
    a, b, same = pair
    if split(a) != split(b):
        yield LeftOut(f"pair {number}", "its people are in different splits", fault=False)
        return
    for name, place in zip((a, b), places, strict=True):
        facts = {"pair": str(number), "same": "yes" if same else "no"}
        yield Row(place, name, Label(facts, split(name), crops.person(name)), f"pair {number}")


def split(name: str) -> str:
    """ "val" for three people in ten, by the hash of the name."""
    return "val" if crops.SOURCES["lfw_images"].val({"name": name}) else "train"
