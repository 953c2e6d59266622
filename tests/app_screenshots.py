"""Pictures of the app's main states, as PNG: `python tests/app_screenshots.py [FOLDER]` (default docs/images).

Those of docs/images are of the README; a folder of your own gets all of them.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app_driver import EXAMPLES, PHONE, ROOT, answered, ask, browser, opened, running
from PIL import Image
from playwright.sync_api import Browser, Page

IN_README = ROOT / "docs/images"
TABS = ("chat", "report", "people", "live", "models", "about")
WIDE: Mapping[str, Any] = {"viewport": {"width": 1440, "height": 900}}


def welcome(page: Page) -> None:
    page.wait_for_timeout(500)


def example(page: Page) -> None:
    page.click(".examples button >> nth=0")
    answered(page)
    page.locator("#now .lead .chip").first.click()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)


def comparison(page: Page) -> None:
    question = "Do these show the same person, and which parts of the face speak for it?"
    ask(page, question, [EXAMPLES / "portrait.jpg", EXAMPLES / "portrait-altered.jpg"])
    page.locator("#now .pair").scroll_into_view_if_needed()


def ages(page: Page) -> None:
    page.click(".examples button >> nth=2")
    answered(page)


def at(tab: str) -> Callable[[Page], None]:
    """A tab as it is before anybody does anything in it."""

    def reach(page: Page) -> None:
        page.locator("#tabs button[role=tab]:visible").nth(TABS.index(tab)).click()
        page.wait_for_timeout(1500)

    return reach


def report(page: Page) -> None:
    """A report that was made, with its table."""
    at("report")(page)
    page.set_input_files("#reports-files input[type=file]", [str(file) for file in sorted(EXAMPLES.glob("*.jpg"))])
    page.wait_for_function("() => document.querySelectorAll('#reports-files .file').length >= 3")
    page.click("#reports-go")
    page.click("#reports-queue [data-act=open]")
    page.wait_for_selector("#reports-table tbody tr")
    page.wait_for_timeout(800)


STATES: tuple[tuple[str, Callable[[Page], None], Mapping[str, Any]], ...] = (
    ("chat", example, WIDE),
    ("welcome", welcome, WIDE),
    ("comparison", comparison, WIDE),
    ("dark", ages, {**WIDE, "color_scheme": "dark"}),
    ("phone", welcome, PHONE),
    ("phone-evidence", example, PHONE),
    ("german", example, {**WIDE, "locale": "de-DE"}),
    ("report", report, WIDE),
    ("report-dark", report, {**WIDE, "color_scheme": "dark", "locale": "es-ES"}),
    ("report-phone", report, {**PHONE, "locale": "fr-FR"}),
    *((tab, at(tab), WIDE) for tab in ("people", "live", "models", "about")),
)


def main(folder: Path = IN_README) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    states = STATES[:1] if folder == IN_README else STATES
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as address, browser() as chrome:
        for name, reach, options in states:
            (folder / f"{name}.png").write_bytes(_small(_shot(chrome, address, reach, options)))


def _shot(chrome: Browser, address: str, reach: Callable[[Page], None], options: Mapping[str, Any]) -> bytes:
    context = chrome.new_context(**{"locale": "en-US", **options})
    page = context.new_page()
    opened(page, address)
    reach(page)
    picture = page.screenshot()
    context.close()
    return picture


def _small(picture: bytes) -> bytes:
    """In 256 colours: a third of the size."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
