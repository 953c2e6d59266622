"""What img2dataset makes of a list of URLs: tar files with a photo, its caption and what is known of it under one key.

As written (github.com/rom1504/img2dataset, README.md, output_format webdataset): 00000.tar with 000000000.jpg,
000000000.txt (the caption) and 000000000.json (url, caption, key, status …).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from faceagent.errors import InputError
from faceagent_finetune.corpus.labelled import Facts, Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import IMAGES, hashed_split, row_of

_MOST = 1 << 20  # bytes of a text beside a photo


class WebDataset:
    """All tar files of a folder. A row's name begins with its file's; its place is the byte at which the photo begins in
    it, and `rows` keeps the photo's size beside the facts.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def rows(self) -> Iterator[Row | LeftOut]:
        for file in sorted(self._root.glob("*.tar")):
            try:
                with tarfile.open(file, "r:") as archive:
                    for key, members in groupby(archive, key=lambda member: member.name.partition(".")[0]):
                        yield from _of(file, archive, key, list(members))
                        setattr(archive, "members", [])  # noqa: B010 - or it would remember all of them
            except (tarfile.TarError, OSError) as error:
                raise InputError(f"{file} is no tar file that can be read ({error})", "Fetch it again") from None

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        facts = dict(row.label.facts)
        size = int(facts.pop("bytes"))
        with (self._root / row.name.partition("/")[0]).open("rb") as file:
            file.seek(row.place)
            return file.read(size), facts


def _of(file: Path, archive: tarfile.TarFile, key: str, members: list[tarfile.TarInfo]) -> Iterator[Row | LeftOut]:
    """The sample of a key."""
    parts = {Path(member.name).suffix.lower(): member for member in members if member.isfile()}
    photo = next((parts[suffix] for suffix in IMAGES if suffix in parts), None)
    if photo is None:
        yield LeftOut(f"{file.name}/{key}", "its photo was not fetched", fault=False)
    else:
        label = partial(_label, archive, parts, photo.size, f"{file.name}/{key}")
        yield row_of(f"{file.name}/{photo.name}", label, photo.offset_data)


def _label(archive: tarfile.TarFile, parts: dict[str, tarfile.TarInfo], size: int, key: str) -> Label:
    try:
        known: Any = json.loads(_text(archive, parts.get(".json")) or "{}")
    except ValueError:
        raise LabelMissing("the JSON beside it cannot be read") from None
    known = known if isinstance(known, dict) else {}
    said = (_text(archive, parts.get(".txt")) or str(known.get("caption") or "")).strip()
    if not said:
        raise LabelMissing("its caption is empty", fault=False)
    group = str(known.get("url") or key)
    return Label({"caption": said, "bytes": str(size)}, hashed_split(group), group)


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> str:
    stream = archive.extractfile(member) if member is not None and member.size <= _MOST else None
    return stream.read().decode("utf-8", "replace") if stream else ""
