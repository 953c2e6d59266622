"""The page: safe against everything a file can hold, whole, and usable with keyboard and screen reader."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from fakes import HOSTILE, FakeForgery, fake_toolbox, photo
from hypothesis import given
from hypothesis import strategies as st

from faceagent.report import build_report
from faceagent.report.html import to_html
from faceagent.report.text import visible
from faceagent.types import Failure

VOID = {"meta", "img", "col", "br", "hr", "link", "input", "path", "circle"}


class Page(HTMLParser):
    """The page as a parser sees it: elements with attributes, nesting checked, text by element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def everything(self) -> Iterator[tuple[str, str, str]]:
        for tag, attributes in self.elements:
            for name, value in attributes.items():
                yield tag, name, value


def page(hostile: bool = False, *names: str) -> str:
    photos = [photo(name, seed=seed) for seed, name in enumerate(names or ("altered.jpg", "group.jpg", "noface.jpg"))]
    broken = Failure(name=HOSTILE, message=f"{HOSTILE} is damaged", mend=HOSTILE)
    report, pictures = build_report(
        fake_toolbox(hostile=hostile), photos, [broken], command=f"faceagent report {HOSTILE}", title=HOSTILE
    )
    return to_html(report, pictures)


@pytest.fixture(scope="module")
def plain() -> str:
    return page()


@pytest.fixture(scope="module")
def hostile() -> str:
    return page(True, f"altered-{HOSTILE}.jpg", f"edited-{HOSTILE}.jpg")


def test_nothing_from_a_file_becomes_markup(hostile: str) -> None:
    parsed = Page(hostile)
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"script", "iframe", "object", "embed", "form", "link", "base"}
    assert {tag for tag, name, _ in parsed.everything() if name.startswith("on")} == set()
    assert all(attributes["src"].startswith("data:image/jpeg;base64,") for attributes in parsed.all("img"))
    assert "49" not in "".join(parsed.text).split("{{")[0]  # a template in a file is not evaluated
    assert "<script>alert(1)</script>" in "".join(parsed.text)  # but it is shown
    assert "\u202e" not in hostile


def test_the_page_asks_for_nothing(hostile: str, plain: str) -> None:
    for text in (hostile, plain):
        for _tag, name, value in Page(text).everything():
            if name in ("src", "href", "srcset", "action", "poster", "data"):
                assert value.startswith(("data:image/jpeg", "#")), (name, value)
        style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
        assert style is not None and "url(" not in style[1] and "@import" not in style[1]


def test_the_policy_allows_this_style_and_nothing_else(plain: str) -> None:
    policy = next(meta["content"] for meta in Page(plain).all("meta") if "http-equiv" in meta)
    style = re.search(r"<style>(.*?)</style>", plain, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not [value for _, name, value in Page(plain).everything() if name == "style"]


def test_a_name_that_pretends_to_be_a_picture_is_text() -> None:
    report, pictures = build_report(
        fake_toolbox(), [photo("data:image/jpeg;base64,\u202e.jpg")], command="faceagent report"
    )
    assert "\u202e" not in to_html(report, pictures)


@given(st.text())
def test_text_from_a_file_shows_every_character(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable() or not text.isprintable()
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    shown.encode("utf-8")


def test_very_long_text_is_cut_with_a_note() -> None:
    assert "1,000,000 characters" in visible("x" * 1_000_000)
    assert len(visible("x" * 1_000_000)) < 2100


def test_every_link_leads_somewhere_and_every_id_is_unique(plain: str) -> None:
    parsed = Page(plain)
    ids = [value for _, name, value in parsed.everything() if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"][1:] for attributes in parsed.all("a")}
    assert targets and targets <= set(ids)
    named = {value for _, name, value in parsed.everything() if name == "aria-labelledby"}
    assert named <= set(ids)


def test_structure_serves_a_screen_reader(plain: str) -> None:
    parsed = Page(plain)
    assert parsed.all("html")[0]["lang"] == "en"
    assert len(parsed.all("h1")) == 1 and len(parsed.all("main")) == 1
    levels = [int(tag[1]) for tag, _ in parsed.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all("alt" in attributes for attributes in parsed.all("img"))
    assert all(attributes.get("scope") in ("col", "row") for attributes in parsed.all("th"))
    assert len(parsed.all("table")) == len(parsed.all("caption"))


def test_the_alt_text_of_a_photo_is_its_finding() -> None:
    parsed = Page(page(False, "altered.jpg"))
    alt = next(attributes["alt"] for attributes in parsed.all("img") if attributes["alt"])
    assert "thumbnail" in alt and "face 1.1" in alt


@pytest.mark.parametrize(
    ("name", "forgery", "badge"),
    [
        ("altered.jpg", None, "Signs of alteration"),
        ("generated.jpg", None, "Signs of AI generation"),
        ("plain.jpg", None, "Inconclusive"),
        ("plain.jpg", "no_sign", "No sign found"),
    ],
)
def test_the_verdict_is_written_out(name: str, forgery: str | None, badge: str) -> None:
    tools = fake_toolbox(FakeForgery(forgery)) if forgery else fake_toolbox()
    report, pictures = build_report(tools, [photo(name)], command="faceagent report")
    text = to_html(report, pictures)
    assert badge in "".join(Page(text).text)
    assert report.exhibits[0].exhibit.sha256 in text


def test_a_report_without_pictures_or_without_exhibits_is_whole() -> None:
    report, _ = build_report(fake_toolbox(), [photo()], command="faceagent report")
    assert not Page(to_html(report, {})).all("img")
    empty, _ = build_report(fake_toolbox(), [Failure(name="a", message="a is empty")], command="faceagent report")
    assert "a is empty" in "".join(Page(to_html(empty, {})).text)


def schemes(text: str) -> list[dict[str, str]]:
    """The colours of the light and of the dark scheme."""
    blocks = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    colours = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]
    return [found for found in colours if "link" in found]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_aa_in_both_schemes(plain: str) -> None:
    found = schemes(plain)
    assert len(found) == 2
    pairs = [(ink, ground) for ink in ("ink", "soft", "link") for ground in ("paper", "sheet", "tint")]
    pairs += [(kind, f"{kind}-tint") for kind in ("alteration", "synthesis", "clear", "open")]
    for scheme in found:
        for ink, ground in pairs:
            light, dark = sorted((luminance(scheme[ink]), luminance(scheme[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)
