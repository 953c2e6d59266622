"""FER+ (Barsoum et al., ICMI 2016): ten people's votes on the expression in a grey photo of 48 px.

As published (github.com/microsoft/FERPlus, fer2013new.csv and src/generate_training_data.py): fer2013new.csv has the
votes, in the order of FER2013's fer2013.csv, whose column pixels is the image; or the PNGs that the script makes of it,
in FER2013Train, FER2013Valid and FER2013Test. A line without an image's name is one that FER+ took out. Photos of the
test split (PrivateTest) are left out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from faceagent.errors import InputError, MediaError
from faceagent_finetune.corpus.labelled import Facts, Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import TEST, contents, csv_rows, expect, has_columns, one_of, row_of
from faceagent_tools.emotion_words import WORDS

FILE = "emotion/ferplus.parquet"
LICENCE = "images of FER2013: research use; votes of FER+: MIT"
COLUMNS = (*WORDS, "unknown", "NF", "split")
CONSENT = "photos from the web; the people shown were not asked"
_VOTES, _PIXELS, _SIDE = "fer2013new.csv", "fer2013.csv", 48
_FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
_SPLITS = {"Training": "train", "PublicTest": "val"}
_CLEAR, _SPLIT = 0.7, 0.3  # shares of the votes: of the first for a fact; of the second for a doubt


def label(name: str, row: Mapping[str, Any]) -> Label:
    """The expression on which people agree, or the two between which they do not; else neither.

    Raises:
        LabelMissing: there are no votes, or half of them say that this is no face or nothing they know.
    """
    votes = {look: int(row[column] or 0) for column, look in WORDS.items()}
    cast = sum(votes.values()) + int(row["unknown"] or 0) + int(row["NF"] or 0)
    if sum(votes.values()) * 2 <= cast or not cast:
        raise LabelMissing("half of the votes are for no expression", fault=False)
    first, second = sorted(votes, key=lambda look: -votes[look])[:2]
    facts = {"colour": "no"}
    if votes[first] >= _CLEAR * cast:
        facts["expression"] = first
    elif votes[second] >= _SPLIT * cast:
        facts["expression doubt"] = f"{first} or {second}"
    return Label(facts, str(row["split"]), name)


@dataclass(frozen=True)
class Published:
    """The votes beside fer2013.csv, a byte of which is a row's place, or beside the folders of PNGs."""

    root: Path

    def rows(self) -> Iterator[Row | LeftOut]:
        """
        Raises:
            UsageError: a file is missing. InputError: it lacks a column, or there is no line for each vote.
        """
        expect(self.root, _VOTES)
        images = one_of(self.root, _PIXELS, *_FOLDERS.values())
        votes = csv_rows(self.root / _VOTES, ("Usage", "Image name", *COLUMNS[:-1]))
        places = line_starts(images) if images.suffix else None
        for number, line in enumerate(votes):
            place = next(places, None) if places else 0
            if place is None:
                raise InputError(f"{images} has fewer lines than {_VOTES}", "Fetch it again")
            folder = _FOLDERS.get(line["Usage"] or "", "")
            if line["Image name"]:
                name = f"{folder}/{line['Image name']}"
                yield row_of(name, partial(_of_line, name, line), place)
            else:
                yield LeftOut(f"line {number + 2}", "FER+ took it out", fault=False)

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        if not (self.root / _PIXELS).is_file():
            return contents(self.root, row.name), row.label.facts
        return pixels_at(self.root / _PIXELS, row.place, row.name), row.label.facts


def pixels_at(path: Path, place: int, name: str) -> bytes:
    """The photo of the line of fer2013.csv that begins at a byte, as PNG.

    Raises:
        MediaError: the line does not have the values of 48 x 48 pixels.
    """
    with path.open("rb") as file:
        file.seek(place)
        values = file.readline().decode("ascii", "replace").split(",")
    return _png(values, name)


def line_starts(path: Path) -> Iterator[int]:
    """The byte at which each line but the first begins."""
    with path.open("rb") as file:
        place = len(header := file.readline())
        has_columns(path, ("emotion", "pixels", "Usage"), header.decode("utf-8-sig", "replace").strip().split(","))
        for line in file:
            if line.strip():
                yield place
            place += len(line)


def _png(values: list[str], name: str) -> bytes:
    """
    Raises:
        MediaError: they are not the values of 48 x 48 pixels.
    """
    pixels = values[1].strip('" ').split() if len(values) > 1 else []
    if len(pixels) != _SIDE * _SIDE or not all(value.isdecimal() and int(value) < 256 for value in pixels):
        raise MediaError(f"{name}: its line of {_PIXELS} does not have {_SIDE} x {_SIDE} values of 0-255")
    buffer = io.BytesIO()
    Image.fromarray(np.array(pixels, np.uint8).reshape(_SIDE, _SIDE)).save(buffer, "PNG")
    return buffer.getvalue()


def _of_line(name: str, line: Mapping[str, str]) -> Label:
    if line["Usage"] == "PrivateTest":
        raise LabelMissing(TEST, fault=False)
    for column in COLUMNS[:-1]:
        if not (line[column] or "").isdecimal():
            raise LabelMissing(f"the votes for {column} are {line[column]!r}")
    return label(name, {**line, "split": _SPLITS.get(line["Usage"], line["Usage"])})
