"""A Report as PDF, set by Typst: the same document as the HTML, on pages, tagged for screen readers (PDF/UA-1) and fit
to be kept (PDF/A-2a).

What comes from a file reaches Typst as JSON and is set as text, never read as markup. Characters that no font has are
written out as \\u… and the report says so: no empty box stands for something that a reader cannot see.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faceagent.errors import MissingExtra
from faceagent.messages import wording
from faceagent.report import fonts
from faceagent.report.document import Document, document
from faceagent.report.drawing import Pictures
from faceagent.report.sheet import WORDS, Sheet
from faceagent.types import Report

# With its evidence an exhibit takes 0.2 s and 18 MB of memory, without 0.03 s and 2 MB.
WITH_EVIDENCE = 50
AT_MOST = 500
"""Exhibits: with so many the evidence is left to the other files, and beyond so many nobody prints a report."""
UNSEEN = (
    "Some characters that this document quotes are in none of the fonts it was made with. They are written as \\u and "
    "their number in Unicode; report.html has them as they are."
)


def available() -> bool:
    """Whether the extra `pdf` is installed."""
    return find_spec("typst") is not None


def wanted(report: Report) -> bool:
    """Whether a report is written as PDF as well."""
    return available() and len(report.exhibits) <= AT_MOST


def readable(language: str) -> bool:
    """Whether the fonts here can show a language; Chinese needs one of this machine."""
    return not fonts.beyond("".join(wording(language)(text) for text in WORDS), installed)[1]


def to_pdf(report: Report, pictures: Mapping[str, Pictures], language: str = "en") -> bytes:
    """The PDF. The same report gives the same bytes, by the same version of Typst and with the same fonts.

    Args:
        pictures: what is shown of each exhibit, by image id; an exhibit without pictures is shown in words alone.
        language: what it is told in; English where no font here can show it (`readable`).

    Raises:
        MissingExtra: Typst is not installed.
    """
    if not available():
        raise MissingExtra("A report as PDF", "pdf")
    import typst

    # Typst takes pictures from files alone. The folder is its owner's, and gone when the PDF is made.
    shown = document(report, pictures, language if readable(language) else "en")
    with TemporaryDirectory(prefix="faceagent-report-") as name:
        content = Sheet(Path(name)).of(_bounded(shown))
        text = json.dumps(content, ensure_ascii=False)
        families, missing = fonts.beyond(text, installed)
        moment = datetime.fromisoformat(report.created)
        try:
            return _typeset(Path(name), _written_out(content, missing) | {"families": families}, moment)
        except typst.TypstError:
            # A font of this machine does not show what it lists: then nothing is set in any of them.
            if not families:
                raise
            return _typeset(Path(name), _written_out(content, fonts.beyond(text, tuple)[1]) | {"families": []}, moment)


def _bounded(shown: Document) -> Document:
    """Without the evidence on each exhibit where there are many of them."""
    if len(shown.exhibits) <= WITH_EVIDENCE:
        return shown
    return replace(shown, exhibits=tuple(replace(one, groups=(), steps=(), aside=()) for one in shown.exhibits))


def _typeset(folder: Path, content: dict[str, Any], moment: datetime) -> bytes:
    import typst

    (folder / "report.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "report.typ").write_bytes((files("faceagent.report") / "templates" / "report.typ").read_bytes())
    with as_file(fonts.FOLDER) as ours:
        return typst.compile(
            str(folder / "report.typ"),
            root=str(folder),
            format="pdf",
            font_paths=typst.Fonts(include_system_fonts=bool(content["families"]), font_paths=[str(ours)]),
            # Tagged for screen readers, and fit to be kept. Both refuse a character that no font can show.
            pdf_standards=["a-2a", "ua-1"],
            timestamp=moment,
        )


def installed() -> Iterator[fonts.Face]:
    """The upright fonts of this machine."""
    import typst

    for font in typst.Fonts(include_system_fonts=True, include_embedded_fonts=False).fonts():
        if font.path and font.style == "normal" and font.weight == 400:
            yield fonts.Face(font.family, Path(font.path), font.index)


def _written_out(content: dict[str, Any], missing: frozenset[int]) -> dict[str, Any]:
    """The content with every character of a set as \\u… in its place, and a remark that it is so."""

    def written(value: Any) -> Any:
        if isinstance(value, str):
            return "".join(f"\\u{ord(one):04x}" if ord(one) in missing else one for one in value)
        if isinstance(value, dict):
            return {key: written(item) for key, item in value.items()}
        return [written(item) for item in value] if isinstance(value, list) else value

    return written(content) | {"colophon": f"{content['colophon']} {UNSEEN}"} if missing else content
