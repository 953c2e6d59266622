"""Records of one file that do not agree with each other.

An honest file can have them too (a clock that was set wrong, a photo made smaller), so each is reported as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from faceagent_tools.provenance_records.container import FileRecords

# EXIF times carry no zone: two records of one moment may lie this far apart (UTC-12 to UTC+14).
_ZONES = timedelta(hours=26)
# EXIF writes 2024:05:06 07:08:09, XMP 2024-05-06T07:08:09 with an optional fraction and zone.
_TIME = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?")


@dataclass(frozen=True)
class Contradiction:
    """one, other: what the two records are, in words; first, second: what they say."""

    kind: Literal["saved before it was taken", "several times of capture", "another size"]
    one: str
    first: str
    other: str
    second: str


def find(records: FileRecords) -> list[Contradiction] | None:
    """The contradictions of a file; None where it holds no two records of one thing."""
    checks = [*_times(records), *_size(records)]
    return [found for found in checks if found is not None] if checks else None


def of_times(taken: str, saved: str) -> list[Contradiction] | None:
    """Whether a file was saved before it was taken; None where it does not state both times."""
    at, then = moment(taken), moment(saved)
    if at is None or then is None:
        return None
    early = then < at - _ZONES
    kind: Literal["saved before it was taken"] = "saved before it was taken"
    return [Contradiction(kind, "time of capture", taken, "time of saving", saved)] if early else []


def _times(records: FileRecords) -> Iterator[Contradiction | None]:
    fields = records.exif.fields if records.exif else {}
    taken = fields.get("DateTimeOriginal", "")
    at = moment(taken)
    found = of_times(taken, fields.get("DateTime", ""))
    if found is not None:
        yield found[0] if found else None
    elsewhere = records.xmp.texts("exif:DateTimeOriginal", "photoshop:DateCreated") if records.xmp else []
    for text in elsewhere[:1]:
        other = moment(text)
        if at and other:
            apart = abs(other - at) > _ZONES
            yield Contradiction("several times of capture", "EXIF", taken, "XMP", text) if apart else None


def _size(records: FileRecords) -> Iterator[Contradiction | None]:
    """EXIF states the size of the picture it was written for (PixelXDimension, PixelYDimension)."""
    fields = records.exif.fields if records.exif else {}
    stated = (fields.get("ExifImageWidth", ""), fields.get("ExifImageHeight", ""))
    if not all(re.fullmatch(r"[1-9]\d{0,5}", side) for side in stated):
        return
    sizes = {int(stated[0]), int(stated[1])}
    first, second = f"{stated[0]} x {stated[1]}", f"{records.size[0]} x {records.size[1]}"
    agree = sizes == set(records.size)
    yield None if agree else Contradiction("another size", "EXIF", first, "the picture", second)


def moment(text: str) -> datetime | None:
    """The local time that an EXIF or XMP text states, without its zone; None where it states none."""
    match = _TIME.match(text)
    if match is None:
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
