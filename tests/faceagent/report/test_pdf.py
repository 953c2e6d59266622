"""The PDF: the same findings as the JSON; fit for print, keeping and screen readers; harmless whatever a file says."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import HOSTILE, fake_toolbox, photo

pytest.importorskip("typst", reason="the extra pdf is not installed")

import pypdf
import pypdfium2

from faceagent.errors import MissingExtra
from faceagent.report import build_report, fonts, pdf
from faceagent.report.drawing import Pictures
from faceagent.report.pdf import to_pdf
from faceagent.types import Failure, Report

Made = tuple[Report, dict[str, Pictures]]
LONG = "x" * 200 + ".jpg"
DECEPTIVE = "photo\u202egpj.exe\x07\u200b.jpg"


def made(*names: str, title: str = "Authenticity report") -> Made:
    photos = [photo(name, seed=seed) for seed, name in enumerate(names)]
    broken = Failure(name="broken.jpg", message="broken.jpg is cut short.", mend="Copy it again.")
    return build_report(fake_toolbox(), photos, [broken], command="faceagent report press", title=title)


@pytest.fixture(scope="module")
def several() -> Made:
    return made("altered.jpg", "group.jpg", "noface.jpg", "generated.png")


@pytest.fixture(scope="module")
def document(several: Made) -> bytes:
    return to_pdf(*several)


def pages(document: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(document)]


def squeezed(text: str) -> str:
    """Without white space, and without what PDFium puts where a line ends within a word."""
    return re.sub(r"[\s\ufffe]", "", text)


def words(document: bytes) -> str:
    return squeezed("".join(pages(document)))


def test_the_findings_are_those_of_the_json(several: Made, document: bytes) -> None:
    text = words(document)
    report = Report.model_validate_json(several[0].model_dump_json())
    claims = [claim for item in report.exhibits for claim in item.verdict.claims] + list(report.across)
    assert len(claims) > 8
    for sentence in (*report.summary, *report.limitations, *(claim.sentence for claim in claims)):
        assert squeezed(sentence) in text, sentence
    rows = [row for item in report.exhibits for row in item.evidence]
    assert {row.id for row in rows} <= set(re.findall(r"e\d+", " ".join(pages(document))))
    assert squeezed("broken.jpg is cut short. Copy it again.") in text


def test_every_page_says_its_number_and_an_exhibits_its_hash(several: Made, document: bytes) -> None:
    told = pages(document)
    for number, text in enumerate(told, 1):
        assert f"Page {number} of {len(told)}" in text
    for item in several[0].exhibits:
        footer = f"{item.exhibit.id.capitalize()} · SHA-256 {item.exhibit.sha256}"
        assert sum(footer in text for text in told) >= 2, "on the page of the exhibit and on that of its evidence"


def test_fonts_are_embedded_and_the_document_says_what_it_is(several: Made, document: bytes) -> None:
    read = pypdf.PdfReader(io.BytesIO(document))
    embedded = [font for page in read.pages for font in descriptors(page)]
    assert embedded and all({"/FontFile", "/FontFile2", "/FontFile3"} & font.keys() for font in embedded)
    assert read.metadata is not None and read.metadata.title == "Authenticity report"
    assert read.metadata.creation_date is not None
    assert read.metadata.creation_date.isoformat() == several[0].created
    root: Any = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en" and "/StructTreeRoot" in root
    kept = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1<" in kept and "<pdfaid:part>2<" in kept


def descriptors(page: Any) -> Iterator[Any]:
    for font in page["/Resources"].get("/Font", {}).values():
        yield font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()


def test_bookmarks_lead_to_the_exhibits_and_references_to_the_evidence(several: Made, document: bytes) -> None:
    read = pypdf.PdfReader(io.BytesIO(document))
    marks = [str(mark["/Title"]) for mark in read.outline if isinstance(mark, dict)]
    for item in several[0].exhibits:
        assert item.exhibit.name in marks and f"{item.exhibit.id.capitalize()}: {item.exhibit.name}" in marks
    links = [note.get_object() for page in read.pages for note in page.get("/Annots", ())]
    cited = {name for item in several[0].exhibits for claim in item.verdict.claims for name in claim.evidence}
    assert len(links) > len(cited)
    assert all("/URI" not in str(link) and ("/Dest" in link or "/A" in link) for link in links)


def test_alt_text_of_a_photo_is_its_finding(several: Made, document: bytes) -> None:
    alts = " ".join(re.findall(r"/Alt ?\((.*?)\)", document.decode("latin-1"), re.DOTALL))
    assert f"{several[0].exhibits[0].exhibit.id}. The thumbnail" in alts


def test_the_same_report_gives_the_same_bytes(several: Made, document: bytes) -> None:
    assert to_pdf(*several) == document


@pytest.mark.parametrize(
    "name", [LONG, DECEPTIVE, HOSTILE, f"{HOSTILE}{LONG}", '#panic("x") $x$ *b* \\ @e1 <e1> //', "Ελλάς Кириллица Việt"]
)
def test_whatever_a_file_is_called_the_page_is_whole(name: str) -> None:
    photos = [photo(name), photo(f"altered-{name}", seed=1)]
    broken = Failure(name=name, message=f"{name} is damaged", mend=name)
    document = to_pdf(*build_report(fake_toolbox(hostile=True), photos, [broken], command=name, title=name))
    for page in pypdfium2.PdfDocument(document):
        text = page.get_textpage()
        assert "\u202e" not in text.get_text_range()
        for index in range(text.count_chars()):
            left, _, right, _ = text.get_charbox(index)
            assert left >= 0 and right <= page.get_width() - 40, text.get_text_range(max(0, index - 30), 40)
    if name.isprintable() and len(name) < 40:
        assert squeezed(name) in words(document)


def test_what_no_font_has_is_written_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "installed", lambda: iter(()))
    text = words(to_pdf(*made(f"照片-صورة{fonts.SIGNS}.jpg")))
    assert "\\u7167\\u7247-\\u0635" in text and fonts.SIGNS in text and squeezed(pdf.UNSEEN) in text
    assert squeezed(pdf.UNSEEN) not in words(to_pdf(*made("photo.jpg")))


def test_a_font_that_lists_what_it_does_not_show_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "installed", lambda: iter([fonts.Face("Nobody’s", tmp_path / "nobodys.ttf")]))
    monkeypatch.setattr(fonts, "_of_file", lambda face: frozenset(map(ord, "照片")))
    assert "\\u7167\\u7247" in words(to_pdf(*made("照片.jpg")))


def test_a_font_of_this_machine_is_used_where_ours_end(tmp_path: Path) -> None:
    face = fonts.Face("Noto Sans", Path(str(fonts.FOLDER / fonts.REGULAR)))
    damaged = tmp_path / "damaged.ttf"
    damaged.write_bytes(face.path.read_bytes()[:100])
    assert fonts.beyond("plain", lambda: pytest.fail("asked for nothing")) == ((), frozenset())
    families, missing = fonts.beyond("照", lambda: [face, fonts.Face("Damaged", damaged)])
    assert families == () and missing == {ord("照")}
    with pytest.raises(struct.error):
        fonts.characters(damaged.read_bytes())


def test_our_fonts_have_latin_greek_and_cyrillic() -> None:
    regular, bold = (fonts.characters(path.read_bytes()) for path in sorted(Path(str(fonts.FOLDER)).glob("*.ttf")))
    assert regular == bold == fonts.ours() - {*map(ord, fonts.SIGNS)}
    assert set(map(ord, "Zażółć gęślą jaźń ῥέω Њеж ệ … – “” × ≥ − €")) <= fonts.ours()


def test_a_report_without_pictures_or_without_exhibits_is_whole() -> None:
    report, _ = made("altered.jpg")
    assert report.exhibits[0].exhibit.sha256 in words(to_pdf(report, {}))
    empty, _ = made()
    assert squeezed("broken.jpg is cut short.") in words(to_pdf(empty, {}))


def test_the_evidence_of_many_exhibits_is_left_to_the_other_files(
    several: Made, document: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "WITH_EVIDENCE", 3)
    shorter = to_pdf(*several)
    text = words(shorter)
    assert len(pages(shorter)) == len(pages(document)) - len(several[0].exhibits)
    assert "Theevidenceofsomanyexhibitsisinreport.htmlandreport.json" in text
    assert all(item.exhibit.sha256 in text for item in several[0].exhibits)
    assert squeezed("Rests on") in text, "the comparisons between exhibits are there"


def test_without_the_extra_it_says_how_to_get_it(several: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "available", lambda: False)
    with pytest.raises(MissingExtra, match="pdf"):
        to_pdf(*several)
