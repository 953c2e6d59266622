"""One pass over a photo file: which records it holds, and their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, IptcImagePlugin

from faceagent.media import DECODER_ERRORS, opened
from faceagent_tools.provenance_records import exif, xmp
from faceagent_tools.provenance_records.marks import Saying
from faceagent_tools.provenance_records.text import MANY, clean

_LONGEST_TEXT = 4000
"""Of a text chunk that is searched for a generator's mark; prompts run to a thousand characters and more."""
# IPTC-IIM 4.2, record 2.
_IPTC = {65: "originating program", 80: "by-line", 110: "credit", 115: "source", 116: "copyright", 120: "caption"}
# Adobe Photoshop File Formats, image resource IDs: IPTC text and its digest are written by many programs, the rest
# (resolution, thumbnail, JPEG quality …) by Photoshop and what imitates it.
_SHARED_RESOURCES = frozenset({0x0404, 0x0425})


@dataclass(frozen=True)
class FileRecords:
    """What a file holds besides its pixels. texts: clean, by field. tables: JPEG quantisation tables, natural order."""

    format: str
    size: tuple[int, int]
    exif: exif.ExifRecord | None
    xmp: xmp.XmpRecord | None
    icc: bool
    iptc: Mapping[str, str]
    photoshop: bool
    png_text: Mapping[str, str]
    comment: str
    tables: tuple[tuple[int, ...], ...]
    faults: tuple[str, ...]

    @property
    def present(self) -> list[str]:
        """The kinds of record that are there, as a reader calls them."""
        held = {
            "EXIF": self.exif is not None,
            "XMP": self.xmp is not None,
            "IPTC": bool(self.iptc),
            "ICC colour profile": self.icc,
            "embedded thumbnail": bool(self.exif and self.exif.thumbnail),
            "Photoshop resources": self.photoshop,
            "PNG text": bool(self.png_text),
            "comment": bool(self.comment),
        }
        return [name for name, there in held.items() if there]

    @property
    def sayings(self) -> Iterator[Saying]:
        """Texts that name the program that saved the file."""
        fields = self.exif.fields if self.exif else {}
        for tag in ("Software", "ProcessingSoftware"):
            if tag in fields:
                yield Saying(f"EXIF {tag}", fields[tag])
        yield from xmp_sayings(self.xmp)
        if self.photoshop:
            yield Saying("image resources", "Adobe Photoshop")
        if "originating program" in self.iptc:
            yield Saying("IPTC originating program", self.iptc["originating program"])
        chunks = [(key, text) for key, text in self.png_text.items() if key.lower() == "software"]
        yield from (Saying(f"PNG text {key}", clean(text)) for key, text in chunks)
        if self.comment:
            yield Saying("comment", clean(self.comment))

    @property
    def by_camera(self) -> bool:
        """Whether the file names the camera that took it."""
        fields = self.exif.fields if self.exif else {}
        return "Make" in fields or "Model" in fields

    @property
    def texts(self) -> dict[str, list[str]]:
        """Every text of the file by the field that it stands in."""
        found: dict[str, list[str]] = {}
        for prefix, fields in (
            ("EXIF", self.exif.fields if self.exif else {}),
            ("IPTC", self.iptc),
            ("PNG text", self.png_text),
        ):
            found |= {f"{prefix} {key}": [text] for key, text in fields.items()}
        if self.xmp:
            found |= {f"XMP {name}": texts for name, texts in self.xmp.properties.items()}
        if self.comment:
            found["comment"] = [self.comment]
        return found


def read(raw: bytes, name: str) -> FileRecords:
    """The records of a photo file.

    Raises:
        MediaError: it cannot be opened as a photo at all.
    """
    faults: list[str] = []
    with opened(raw, name) as image:
        its_exif = exif.read(image)
        packet = image.info.get("xmp")
        its_xmp = xmp.read(packet) if isinstance(packet, bytes | str) and packet else None
        iptc = _iptc(image, faults)
        records = FileRecords(
            format=image.format or "unknown",
            size=image.size,
            exif=its_exif,
            xmp=its_xmp,
            icc=bool(image.info.get("icc_profile")),
            iptc=iptc,
            photoshop=_has_photoshop(image),
            png_text=_png_text(image) if image.format == "PNG" else {},
            comment=clean(image.info.get("comment") or "", _LONGEST_TEXT),
            tables=_tables(image),
            faults=(*faults, *(its_exif.faults if its_exif else ()), *_fault_of(its_xmp)),
        )
    return records


def xmp_sayings(record: xmp.XmpRecord | None) -> Iterator[Saying]:
    """Texts of an XMP packet that name a program."""
    if record is None:
        return
    for name in ("xmp:CreatorTool", "stEvt:softwareAgent", "tiff:Software"):
        yield from (Saying(f"XMP {name}", text) for text in record.texts(name))
    if record.texts("crs:Version"):
        yield Saying("XMP crs:Version", "Adobe Photoshop Camera Raw")


def _fault_of(record: xmp.XmpRecord | None) -> list[str]:
    return [record.fault] if record is not None and record.fault else []


def _iptc(image: Image.Image, faults: list[str]) -> dict[str, str]:
    try:
        with_errors: Any = IptcImagePlugin.getiptcinfo(image)  # type: ignore[arg-type]
    except DECODER_ERRORS:
        faults.append("the IPTC block is damaged")
        return {}
    found: dict[str, str] = {}
    for (record, dataset), value in (with_errors or {}).items():
        first = value[0] if isinstance(value, list) and value else value
        if record == 2 and dataset in _IPTC and isinstance(first, bytes) and (text := clean(first)):
            found[_IPTC[dataset]] = text
    return found


def _has_photoshop(image: Image.Image) -> bool:
    resources = image.info.get("photoshop")
    return isinstance(resources, dict) and bool(set(resources) - _SHARED_RESOURCES)


def _png_text(image: Image.Image) -> dict[str, str]:
    """All text chunks, also those after the pixels."""
    texts: Mapping[str, Any] = getattr(image, "text", {})
    return {
        clean(key, 40): clean(value, _LONGEST_TEXT)
        for key, value in list(texts.items())[:MANY]
        if key != "XML:com.adobe.xmp"
    }


def _tables(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    tables: Mapping[int, Sequence[int]] = getattr(image, "quantization", None) or {}
    return tuple(tuple(int(entry) for entry in tables[number]) for number in sorted(tables))
