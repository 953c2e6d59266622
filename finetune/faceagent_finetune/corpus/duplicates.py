"""Photos that a corpus has already, or must not have because something is measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faceagent.errors import MediaError
from faceagent.media import Photo
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.phash import Hashes, phash
from faceagent_finetune.corpus.sources.table import Table


@dataclass(frozen=True)
class Seen:
    """A photo that was taken up: its hash, and what decides whether another one like it is a duplicate."""

    value: int
    name: str
    split: str
    group: str
    authenticity: str

    @staticmethod
    def of(photo: LabelledPhoto, value: int) -> Seen:
        authenticity = photo.facts.get("authenticity", "")
        return Seen(value, f"{photo.set}/{photo.name}", photo.split, photo.group, authenticity)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


class Duplicates:
    """What has been taken up so far.

    A forged frame and the authentic frame that it was made of are near duplicates and both wanted: they are let
    through, in the same split. A photo that stands in several pairs is the same photo, and no duplicate.
    """

    def __init__(self, bits: int) -> None:
        self._hashes, self._seen = Hashes(bits), dict[str, Seen]()

    def reserve(self, data: Path, file: str) -> int:
        """Take up the photos of a set on which something is measured; how many there were.

        Raises: see `Table`.
        """
        table = Table(data / file)
        for place, name, _ in table.labels():
            try:
                value = phash(Photo.open(table.photo(place)).pixels)
            except MediaError:
                continue  # what cannot be opened cannot be measured on either
            self.add(Seen(value, f"{file}/{name}", "evaluation", file, ""))
        return len(table)

    def of(self, new: Seen) -> str | None:
        """The name of what a photo duplicates, or None."""
        return next((name for name in self._hashes.near(new.value) if self._is(new, self._seen[name])), None)

    def add(self, new: Seen) -> None:
        if new.name not in self._seen:
            self._seen[new.name] = new
            self._hashes.add(new.value, new.name)

    def replay(self, stored: Sequence[dict[str, Any]]) -> None:
        """Take up again what an earlier run had."""
        for row in stored:
            self.add(Seen(**row))

    @staticmethod
    def _is(new: Seen, old: Seen) -> bool:
        if new.name == old.name:
            return False
        return not (new.split == old.split and new.group == old.group and new.authenticity != old.authenticity)
