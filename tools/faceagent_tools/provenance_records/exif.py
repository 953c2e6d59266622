"""EXIF (CIPA DC-008, 2.32): what the camera wrote, what editors left, and the embedded thumbnail."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import ExifTags, Image

from faceagent.media import DECODER_ERRORS
from faceagent_tools.provenance_records.text import clean

LARGEST = 4 * 2**20
"""Bytes of EXIF that are read at most; a JPEG segment holds 64 KiB."""
_BASE, _IFD = ExifTags.Base, ExifTags.IFD

# Fields by the directory that holds them. Serial numbers, names of owners and coordinates are not read: whether they
# are there is enough.
_FIELDS: dict[int, tuple[ExifTags.Base, ...]] = {
    0: (
        _BASE.ImageDescription,
        _BASE.Make,
        _BASE.Model,
        _BASE.Software,
        _BASE.DateTime,
        _BASE.Artist,
        _BASE.HostComputer,
        _BASE.Copyright,
        _BASE.ProcessingSoftware,
    ),
    _IFD.Exif: (
        _BASE.ExposureTime,
        _BASE.FNumber,
        _BASE.ISOSpeedRatings,
        _BASE.DateTimeOriginal,
        _BASE.DateTimeDigitized,
        _BASE.FocalLength,
        _BASE.LensMake,
        _BASE.LensModel,
        _BASE.UserComment,
        _BASE.ExifImageWidth,
        _BASE.ExifImageHeight,
    ),
}
CAPTURE = {
    "Make": "maker",
    "Model": "model",
    "LensModel": "lens",
    "ExposureTime": "exposure time",
    "FNumber": "aperture",
    "ISOSpeedRatings": "sensitivity",
    "FocalLength": "focal length",
    "DateTimeOriginal": "time taken",
}
"""Fields that a camera writes when it takes a picture, and what a reader calls them."""


@dataclass(frozen=True)
class ExifRecord:
    """fields: clean text by tag name. thumbnail: JPEG bytes. faults: what could not be read, in words."""

    fields: Mapping[str, str] = field(default_factory=dict)
    thumbnail: bytes = b""
    location: bool = False
    maker_note: bool = False
    faults: tuple[str, ...] = ()

    @property
    def capture(self) -> list[str]:
        """What the file holds of how the picture was taken, as a reader calls it."""
        held = [word for name, word in CAPTURE.items() if name in self.fields]
        return held + ["place"] * self.location + ["maker's own notes"] * self.maker_note


def read(image: Image.Image) -> ExifRecord | None:
    """The EXIF of an opened image, or None when it has none. Never raises for what a file holds."""
    blob = image.info.get("exif", b"")
    if not isinstance(blob, bytes) or len(blob) > LARGEST:
        return ExifRecord(faults=("the EXIF block is too large to be read",))
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        try:
            record = _record(image.getexif(), blob)
        except DECODER_ERRORS:
            return ExifRecord(faults=("the EXIF block is damaged",))
    if record is None:
        return None
    faults = [*record.faults, *(["the EXIF block is damaged in part"] if noted else [])]
    return ExifRecord(record.fields, record.thumbnail, record.location, record.maker_note, tuple(dict.fromkeys(faults)))


def _record(exif: Image.Exif, blob: bytes) -> ExifRecord | None:
    found: dict[str, str] = {}
    faults: list[str] = []
    own = exif.get_ifd(_IFD.Exif)
    for directory, tags in _FIELDS.items():
        values: Mapping[int, Any] = own if directory == _IFD.Exif else exif
        for tag in tags:
            if tag in values and (text := _text(values[tag], tag)):
                found[tag.name] = text
    thumbnail, fault = _thumbnail(exif, blob)
    if fault:
        faults.append(fault)
    location = bool(exif.get_ifd(_IFD.GPSInfo))
    if not (found or thumbnail or faults or location or len(exif)):
        return ExifRecord(faults=("the EXIF block is damaged",)) if len(blob) > len(b"Exif\0\0") + 8 else None
    return ExifRecord(found, thumbnail, location, _BASE.MakerNote in own, tuple(faults))


def _thumbnail(exif: Image.Exif, blob: bytes) -> tuple[bytes, str | None]:
    """The JPEG that IFD 1 points to, and what is wrong with the pointer. In a TIFF, IFD 1 is the second page."""
    if not blob:
        return b"", None
    second = exif.get_ifd(_IFD.IFD1)
    start, length = second.get(_BASE.JpegIFOffset), second.get(_BASE.JpegIFByteCount)
    if start is None or length is None:
        return b"", None
    tiff = blob.removeprefix(b"Exif\0\0")
    if not (isinstance(start, int) and isinstance(length, int) and start > 0 and 0 < length <= len(tiff) - start):
        return b"", "the pointer to the embedded thumbnail leads out of the EXIF block"
    return tiff[start : start + length], None


def _text(value: Any, tag: ExifTags.Base) -> str:
    if tag == _BASE.UserComment and isinstance(value, bytes):
        return _comment(value)
    if isinstance(value, tuple):
        value = value[0] if value else ""
    if not isinstance(value, str | bytes):
        number = float(value)
        return f"{number:g}" if math.isfinite(number) else ""
    return clean(value)


def _comment(value: bytes) -> str:
    """UserComment begins with eight bytes that name its character set (EXIF 2.32, 4.6.5)."""
    charset, body = value[:8], value[8:]
    if charset.startswith(b"UNICODE"):
        # The standard leaves the byte order open; generators write big-endian.
        return clean(body.decode("utf-16-le" if body[1:2] == b"\0" else "utf-16-be", errors="replace"), longest=400)
    return clean(body if charset[:5] in (b"ASCII", b"\0\0\0\0\0") else value, longest=400)
