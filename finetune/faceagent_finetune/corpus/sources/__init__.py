"""The sets that a recipe may name, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceagent_finetune.corpus.labelled import Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources import celeba, fairface, ferplus, forensics, lfw, utkface
from faceagent_finetune.corpus.sources.table import Table


@dataclass(frozen=True)
class Source:
    """One set. label: what a row says, given its photo's name; None for pairs, which `lfw.rows` reads."""

    file: str
    licence: str
    columns: tuple[str, ...]
    label: Callable[[str, Mapping[str, Any]], Label] | None = None

    def open(self, data: Path) -> Table:
        """Raises: see `Table`."""
        return Table(data / self.file, self.columns)

    def rows(self, table: Table, data: Path) -> Iterator[Row | LeftOut]:
        """What may be chosen; and why the others may not."""
        if self.label is None:
            yield from lfw.rows(table, data)
            return
        for place, name, row in table.labels():
            try:
                yield Row(place, name, _known_split(self.label(name, row)), str(place))
            except LabelMissing as missing:
                yield LeftOut(name, str(missing), missing.fault)


def _known_split(label: Label) -> Label:
    if label.split not in ("train", "val"):
        raise LabelMissing(f"split is {label.split!r}, neither train nor val")
    return label


SOURCES: Mapping[str, Source] = {
    "fairface": Source(fairface.FILE, fairface.LICENCE, fairface.COLUMNS, fairface.label),
    "utkface": Source(utkface.FILE, utkface.LICENCE, utkface.COLUMNS, utkface.label),
    "celeba40": Source(celeba.FILE, celeba.LICENCE, celeba.COLUMNS, celeba.label),
    "ferplus": Source(ferplus.FILE, ferplus.LICENCE, ferplus.COLUMNS, ferplus.label),
    "lfw": Source(lfw.FILE, lfw.LICENCE, lfw.COLUMNS),
    "dfdc_faces": Source(forensics.DFDC_FILE, forensics.DFDC_LICENCE, forensics.DFDC_COLUMNS, forensics.dfdc),
    "stylegan_ffhq": Source(
        forensics.STYLEGAN_FILE, forensics.STYLEGAN_LICENCE, forensics.STYLEGAN_COLUMNS, forensics.stylegan
    ),
}
