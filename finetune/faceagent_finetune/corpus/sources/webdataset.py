"""What img2dataset makes of a list of URLs: a photo, its caption and what is known of it under one key.

As written (github.com/rom1504/img2dataset, README.md): 00000.tar (output_format webdataset) or the folder 00000 (files)
with 000000000.jpg, 000000000.txt (the caption) and 000000000.json (url, caption, key, status …).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from faceagent.errors import InputError
from faceagent_finetune.corpus.labelled import Facts, Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import IMAGES, hashed_split, row_of

FILES = "[0-9]*/[0-9]*.json"
"""Of output_format files."""
_MOST = 1 << 20  # bytes of a text beside a photo
_NOT_FETCHED = "its photo was not fetched"


def loose(root: Path) -> Iterator[Row | LeftOut]:
    """The photos of output_format files."""
    for file in sorted(root.glob(FILES)):
        photo = next((photo for suffix in IMAGES if (photo := file.with_suffix(suffix)).is_file()), file)
        name = photo.relative_to(root).as_posix()
        if photo == file:
            yield LeftOut(name, _NOT_FETCHED, fault=False)
        else:
            texts = [
                text.read_text("utf-8", "replace") if text.is_file() else ""
                for text in (file, file.with_suffix(".txt"))
            ]
            yield row_of(name, partial(_label, texts[0], texts[1], name))


class WebDataset:
    """All tar files of a folder. A row's name begins with its file's; its place is the byte at which the photo begins,
    and `rows` keeps the photo's size beside the facts.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def rows(self) -> Iterator[Row | LeftOut]:
        """
        Raises:
            InputError: a file is no tar file, or not to its end.
        """
        for file in sorted(self._root.glob("*.tar")):
            try:
                with tarfile.open(file, "r:") as archive:
                    for key, members in groupby(archive, key=lambda member: member.name.partition(".")[0]):
                        yield _of(file, archive, key, list(members))
                        setattr(archive, "members", [])  # noqa: B010 - or it would remember all of them
                    _expect_end(file, archive.offset)
            except (tarfile.TarError, OSError) as error:
                raise InputError(f"{file} is no tar file that can be read ({error})", "Fetch it again") from None

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        facts = dict(row.label.facts)
        size = int(facts.pop("bytes"))
        with (self._root / row.name.partition("/")[0]).open("rb") as file:
            file.seek(row.place)
            return file.read(size), facts


def _expect_end(file: Path, place: int) -> None:
    """See that nothing but zeros follows, for a header that is damaged ends a tar file to `tarfile` without a word.

    Raises:
        InputError: something does.
    """
    with file.open("rb") as stream:
        stream.seek(place)
        while block := stream.read(_MOST):
            if block.strip(b"\0"):
                raise InputError(f"{file} is damaged at byte {place}: no member begins there", "Fetch it again")


def _of(file: Path, archive: tarfile.TarFile, key: str, members: list[tarfile.TarInfo]) -> Row | LeftOut:
    """The sample of a key."""
    parts = {Path(member.name).suffix.lower(): member for member in members if member.isfile()}
    photo = next((parts[suffix] for suffix in IMAGES if suffix in parts), None)
    if photo is None:
        return LeftOut(f"{file.name}/{key}", _NOT_FETCHED, fault=False)
    texts = [_text(archive, parts.get(suffix)) for suffix in (".json", ".txt")]
    label = partial(_label, texts[0], texts[1], f"{file.name}/{key}")
    row = row_of(f"{file.name}/{photo.name}", label, photo.offset_data)
    if isinstance(row, LeftOut):
        return row
    return replace(row, label=replace(row.label, facts={**row.label.facts, "bytes": str(photo.size)}))


def _label(about: str, caption: str, key: str) -> Label:
    """
    Args:
        about: the JSON beside a photo, "" where there is none; caption: the text beside it.

    Raises:
        LabelMissing: there is no caption, or the JSON is none.
    """
    try:
        known: Any = json.loads(about or "{}")
    except (ValueError, RecursionError):
        raise LabelMissing("the JSON beside it cannot be read") from None
    known = known if isinstance(known, dict) else {}
    said = caption.strip() or str(known.get("caption") or "").strip()
    if not said:
        raise LabelMissing("its caption is empty", fault=False)
    group = str(known.get("url") or key)
    return Label({"caption": said}, hashed_split(group), group)


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> str:
    stream = archive.extractfile(member) if member is not None and member.size <= _MOST else None
    return stream.read().decode("utf-8", "replace") if stream else ""
