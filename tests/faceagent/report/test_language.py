"""A report in another language: told in it throughout, with the same figures, ids and names; JSON stays English."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import fake_toolbox, photo
from languages import OTHERS

from faceagent.messages import LANGUAGES
from faceagent.report import build_report, language, pdf, present, write_report
from faceagent.report.html import to_html
from faceagent.translate import phrase_in
from faceagent.types import Report


@pytest.fixture(scope="module")
def several() -> tuple[Report, dict]:
    photos = [photo(f"{name}.jpg") for name in ("one", "two", "three")]
    return build_report(fake_toolbox(), photos, command="faceagent report", title="Authenticity report")


def test_headings_verdicts_and_evidence_are_told_in_the_language(several: tuple[Report, dict]) -> None:
    page = to_html(*several, "de")
    assert '<html lang="de">' in page
    for said in ("Bericht zur Echtheit", "Was es klären würde", "Alle Belege", "Untersucht wurden drei Fotos."):
        assert said in page
    for said in ("What would settle it", "All evidence", "photos were examined", "Rests on"):
        assert said not in page
    assert '<a href="#image-2">Bild\N{NO-BREAK SPACE}2</a>' in page or ">Bild 2: " in page


def test_what_programs_read_stays_english(several: tuple[Report, dict], tmp_path: Path) -> None:
    for code in LANGUAGES:
        write_report(*several, tmp_path / code, code)
    for name in ("report.json", "report.csv"):
        assert len({(tmp_path / code / name).read_bytes() for code in LANGUAGES}) == 1


@pytest.mark.parametrize("code", OTHERS)
def test_tables_of_words_are_translated(code: str) -> None:
    for worded in present.VALUES.values():
        if worded != "Latino or Hispanic":  # a name of annotators' categories
            assert phrase_in("result", worded, code) != worded
    line = "≥ 0.04 means “sharp enough for an identity comparison”"
    assert "sharp" not in phrase_in("line", line, code)
    assert language.subject_in("face 1.1 + face 2.1", code) != "face 1.1 + face 2.1"


def test_a_pdf_is_english_where_no_font_shows_the_language(
    several: tuple[Report, dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("typst")
    pypdf = pytest.importorskip("pypdf")
    monkeypatch.setattr(pdf, "installed", tuple)
    assert pdf.readable("fr") and not pdf.readable("zh")
    import io

    for code, said in (("fr", "Ce qui trancherait"), ("zh", "What would settle it")):
        pages = pypdf.PdfReader(io.BytesIO(pdf.to_pdf(*several, code))).pages
        assert said in " ".join("".join(page.extract_text() for page in pages).split())
