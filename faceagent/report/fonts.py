"""Fonts of the PDF: which characters they have, and where the rest is looked for.

The report brings Noto Sans for Latin, Greek and Cyrillic; Typst brings a serif and a monospaced face, behind which Noto
Sans stands. Other scripts, as in a file's name, are set in a font of this machine if there is one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

FOLDER = files("faceagent.report") / "fonts"
REGULAR = "NotoSans-Regular.ttf"
SIGNS = "≤≥≈≠←↑→↓"
"""What Noto Sans does not have and Typst's serif has."""


@dataclass(frozen=True, order=True)
class Face:
    """A font of this machine: its family, and where it is."""

    family: str
    path: Path
    index: int = 0


@cache
def ours() -> frozenset[int]:
    """The characters that every report can show."""
    return characters((FOLDER / REGULAR).read_bytes()) | {*map(ord, SIGNS)}


def beyond(text: str, installed: Callable[[], Iterable[Face]]) -> tuple[tuple[str, ...], frozenset[int]]:
    """What is needed to set a text that goes beyond our own fonts.

    Args:
        installed: gives the fonts of this machine; asked only if they are needed.

    Returns:
        Families of this machine, most useful first, and the characters that none of them has.
    """
    missing = frozenset(map(ord, text)) - ours() - {ord("\n")}
    families: list[str] = []
    known = {face: _of_file(face) for face in sorted(installed())} if missing else {}
    while missing and known:
        best = max(known, key=lambda face: len(missing & known[face]))
        if not missing & known[best]:
            break
        families.append(best.family)
        missing -= known.pop(best)
    return tuple(families), missing


def _of_file(face: Face) -> frozenset[int]:
    try:
        return characters(face.path.read_bytes(), face.index)
    except (OSError, struct.error):
        return frozenset()  # A font that cannot be read is one that cannot be used.


def characters(font: bytes, index: int = 0) -> frozenset[int]:
    """The code points that a TrueType or OpenType font maps to a glyph (its table "cmap", formats 4 and 12).

    Args:
        index: of the font in a collection (.ttc).

    Raises:
        struct.error: the file is cut short.
    """
    start = struct.unpack_from(">I", font, 12 + 4 * index)[0] if font[:4] == b"ttcf" else 0
    (count,) = struct.unpack_from(">H", font, start + 4)
    tables = {
        font[at : at + 4]: struct.unpack_from(">I", font, at + 8)[0]
        for at in range(start + 12, start + 12 + 16 * count, 16)
    }
    cmap = tables.get(b"cmap")
    if cmap is None:
        return frozenset()
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    found: set[int] = set()
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", font, cmap + 4 + 8 * number)
        (form,) = struct.unpack_from(">H", font, cmap + offset)
        if platform == 0 or (platform, encoding) in ((3, 1), (3, 10)):
            found.update(_READERS[form](font, cmap + offset) if form in _READERS else ())
    return frozenset(found)


def _segments(font: bytes, at: int) -> Iterator[int]:
    """Format 4: the Basic Multilingual Plane in segments, each a shift of code points or a list of glyphs."""
    (double,) = struct.unpack_from(">H", font, at + 6)
    shape, first = f">{double // 2}H", at + 14
    ends = struct.unpack_from(shape, font, first)
    starts, deltas, offsets = (struct.unpack_from(shape, font, first + 2 + double * part) for part in (1, 2, 3))
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = code
            if offsets[number]:
                place = first + 2 + double * 3 + 2 * number + offsets[number] + 2 * (code - start)
                (glyph,) = struct.unpack_from(">H", font, place)
                if not glyph:
                    continue
            if (glyph + deltas[number]) & 0xFFFF:
                yield code


def _groups(font: bytes, at: int) -> Iterator[int]:
    """Format 12: all of Unicode in groups of consecutive code points."""
    (count,) = struct.unpack_from(">I", font, at + 12)
    for number in range(count):
        start, end, glyph = struct.unpack_from(">III", font, at + 16 + 12 * number)
        yield from (code for code in range(start, min(end, 0x10FFFF) + 1) if glyph or code != start)


_READERS = {4: _segments, 12: _groups}
