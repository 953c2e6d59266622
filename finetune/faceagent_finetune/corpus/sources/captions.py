"""Captions of faces: FaceCaption-15M and FaceCaptionHQ-4M (Dai et al. 2024, arXiv 2407.08515), and the like.

As published (huggingface.co/datasets/OpenFace-CQUPT/FaceCaption-15M, FaceCaption-v2.parquet): _id, caption and
laion_caption (lists of one text), url, box. FaceCaptionHQ-4M has url, image_caption, face_caption and
image_short_caption instead, FaceCaption-1M-image-text-pairs JSON files with image and image_short_caption beside
images/. Captions were written by a language model from 40 attributes that a network saw: they are kept as a caption's
wording.

URLs are never fetched. A photo is in the column image or jpg, or in images/, called by the row's _id or by the SHA-256
or MD5 of its url; or the whole set is what img2dataset made of it, see `webdataset`. Photos are shown as they are:
whole ones want cutting to box beforehand, for a caption is of one face. Split by hash of url: who is shown nobody says.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from faceagent.errors import InputError, MediaError
from faceagent_finetune.corpus.jsonstream import elements
from faceagent_finetune.corpus.labelled import Facts, Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import (
    IMAGES,
    Folder,
    Opened,
    contents,
    expect,
    has_columns,
    hashed_split,
    json_files,
    listing,
    row_of,
)
from faceagent_finetune.corpus.sources.table import Table, parquet_file, parquet_rows
from faceagent_finetune.corpus.sources.webdataset import FILES, WebDataset, loose

FACES, FACES_HQ = "facecaption15m", "facecaptionhq"
LICENCE = "captions CC BY 4.0; photos of LAION-Face: those of their sites, research use by agreement"
CONSENT = "photos from the web; the people shown were not asked"
CAPTIONS = ("face_caption", "image_short_caption", "caption")
_BYTES = ("image", "jpg")
_FETCH = (
    "No URL is fetched here: put the photos into images/, called by _id or by the SHA-256 or MD5 of url, or let "
    "img2dataset fetch them and name its output in the recipe's [places]"
)


def opened(root: Path) -> Opened:
    """A set of captions in any of its layouts.

    Raises:
        UsageError: nothing of the kind is there. InputError: it lacks a column, or there are no photos.
    """
    expect(root)
    if any(root.glob("*.tar")):
        return WebDataset(root)
    if any(root.glob(FILES)):
        return Folder(root, loose)
    if any(root.glob("*.parquet")):
        return Captions(root)
    return CaptionList(root)


def captioned(text: Any, group: str) -> Label:
    """
    Raises:
        LabelMissing: there is no caption.
    """
    said = text[0] if isinstance(text, list) and text else text
    if not isinstance(said, str) or not said.strip():
        raise LabelMissing("its caption is empty", fault=False)
    return Label({"caption": said}, hashed_split(group), group)


class Captions:
    """Parquet files. A row's place counts over all files.

    Raises:
        InputError: see `opened`.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._files = root, sorted(root.glob("*.parquet"))
        self._names = parquet_file(self._files[0]).schema_arrow.names
        self._caption = next((name for name in CAPTIONS if name in self._names), "")
        if not self._caption:
            has_columns(self._files[0], (" or ".join(CAPTIONS),), self._names)
        self._bytes = next((name for name in _BYTES if name in self._names), "")
        if not self._bytes and not (root / "images").is_dir():
            raise InputError(
                f"{root}: expected photos in a column image or jpg, or in images/; found {listing(root)}", _FETCH
            )
        sizes = [parquet_file(file).metadata.num_rows for file in self._files]
        self._starts = [0, *accumulate(sizes)]
        self._tables: dict[int, Table] = {}

    def rows(self) -> Iterator[Row | LeftOut]:
        wanted = [name for name in ("_id", "url", "key", self._caption) if name in self._names]
        place = 0
        for file in self._files:
            for row in parquet_rows(file, wanted):
                name = str(row.get("_id") or row.get("key") or row.get("url") or f"row {place}")
                yield row_of(name, partial(self._label, row, name), place)
                place += 1

    def _label(self, row: Mapping[str, Any], name: str) -> Label:
        url = row.get("url") or ""
        label = captioned(row[self._caption], url or name)
        return Label({**label.facts, "url": url}, label.split, label.group)

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        facts = {name: text for name, text in row.label.facts.items() if name != "url"}
        if self._bytes:
            return self._stored(row.place), facts
        url = row.label.facts["url"].encode()
        known = (row.name, *(made(url).hexdigest() for made in (hashlib.sha256, hashlib.md5) if url))
        for name in (f"{name}{suffix}" for name in known for suffix in IMAGES):
            if "/" not in name and (self._root / "images" / name).is_file():
                return contents(self._root / "images", name), facts
        raise MediaError(f"images/ has no photo called {row.name}, nor by the SHA-256 or MD5 of its url")

    def _stored(self, place: int) -> bytes:
        which = bisect_right(self._starts, place) - 1
        if which not in self._tables:
            self._tables = {which: Table(self._files[which], (), self._bytes)}
        return self._tables[which].photo(place - self._starts[which])


class CaptionList:
    """JSON files of {image, caption}, with the photos in images/ or beside them."""

    def __init__(self, root: Path) -> None:
        self._root, self._files = root, json_files(root)
        self._images = root / "images" if (root / "images").is_dir() else root

    def rows(self) -> Iterator[Row | LeftOut]:
        for file in self._files:
            for number, item in enumerate(elements(file)):
                image = item.get("image") if isinstance(item, dict) else None
                caption = next((item[name] for name in CAPTIONS if name in item), None) if image else None
                if not isinstance(image, str) or caption is None:
                    raise InputError(
                        f"{file}, element {number}: expected image and {' or '.join(CAPTIONS)}; "
                        f"found {', '.join(item) if isinstance(item, dict) else type(item).__name__}",
                        "Rename what holds them",
                    )
                yield row_of(image, partial(captioned, caption, image))

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        return contents(self._images, row.name), row.label.facts
