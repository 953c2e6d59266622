"""The app end to end, in headless Chromium."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("gradio")
pytest.importorskip("playwright")

from app_driver import EXAMPLES, PHONE, answered, ask, camera, chromium, click_at_once, opened, running
from PIL import Image, ImageChops, ImageOps, ImageStat
from playwright.sync_api import Browser, Page
from videos import panned

from faceagent.media import Photo
from faceagent.types import Report

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium here")

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with camera(tmp_path_factory.mktemp("camera")) as found:
        yield found


@pytest.fixture
def page(chrome: Browser) -> Iterator[Page]:
    context = chrome.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    yield context.new_page()
    context.close()


def test_a_photo_is_asked_about_and_the_answer_leads_to_its_evidence(page: Page, address: str, tmp_path: Path) -> None:
    wrong = opened(page, address)
    ask(page, "Is this photo real?", [EXAMPLES / "portrait-altered.jpg"])
    assert "thumbnail embedded in the file" in page.inner_text("#now .lead >> nth=0")
    assert page.locator("#now .steps li").count() == 3
    chip = page.locator("#now .lead .chip").first
    card = page.locator(str(chip.get_attribute("href")))
    chip.focus()
    page.keyboard.press("Enter")
    assert card.get_attribute("open") is not None
    assert card.locator("summary").first.evaluate("element => element === document.activeElement")
    assert "differs" in card.inner_text() and "Licence" in card.inner_text()
    assert page.locator(".spot.lit").count() == 1
    assert "thumbnail" in str(page.locator(".photo img").first.get_attribute("alt"))

    page.click("#report")
    page.wait_for_selector("#written a[download]")
    files = {}
    for link in page.locator("#written a[download]").all():
        with page.expect_download() as waiting:
            link.click()
        files[waiting.value.suggested_filename] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[waiting.value.suggested_filename])
    report = Report.model_validate_json(files["report.json"].read_bytes())
    assert report.exhibits[0].verdict.kind == "signs_of_alteration"
    assert "Is this photo real?" in report.summary[0]
    assert "Is this photo real?" in files["report.html"].read_text(encoding="utf-8")
    assert wrong == []


def test_a_picture_of_the_camera_is_asked_about(page: Page, address: str) -> None:
    wrong = opened(page, address)
    page.click("#camera button.label-wrap")
    page.click("#camera [title='grant webcam access'] button")
    page.wait_for_function("document.querySelector('#camera video').videoWidth > 0")
    page.evaluate("window.track = document.querySelector('#camera video').srcObject.getTracks()[0]")
    page.click("#camera [aria-label='capture photo']")
    page.wait_for_selector("#box .thumbnail-item")
    page.wait_for_function("window.track.readyState === 'ended'")  # it is off as soon as there is a picture
    page.wait_for_selector("#camera video", state="hidden")

    ask(page, "How old does the person look?")
    assert "looks about" in page.inner_text("#now .lead >> nth=0")
    assert page.locator("#evidence .spot").count()
    # What was taken is what stands before the camera, and not its mirror image.
    shown = page.locator("#now .given img").evaluate("image => image.src.split(',')[1]")
    with Image.open(io.BytesIO(base64.b64decode(shown))) as taken, Image.open(EXAMPLES / "portrait.jpg") as photo:
        taken = taken.convert("L")
        sent = photo.resize((640, 640)).crop((0, 0, 640, 480)).convert("L").resize(taken.size)
        assert apart(taken, sent) < apart(taken, ImageOps.mirror(sent)) / 2
    assert wrong == []


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of their grey values."""
    return float(ImageStat.Stat(ImageChops.difference(one, other)).mean[0])


def test_two_photos_are_compared_part_by_part(page: Page, address: str) -> None:
    wrong = opened(page, address)
    ask(
        page,
        "Do these show the same person, and which parts of the face speak for it?",
        [EXAMPLES / "portrait.jpg", EXAMPLES / "portrait-altered.jpg"],
    )
    assert "the same person" in page.inner_text("#now .lead >> nth=0")
    assert page.locator("#now .pair .two img").count() == 3
    assert {"eyes", "nose", "mouth"} <= set(page.locator("#now .parts th").all_inner_texts())
    assert "probability" in str(page.locator("#now .bar svg").first.get_attribute("aria-label"))
    page.locator("#now .pair .chip").click()
    assert page.locator(".spot.lit").count() == 2
    slider = page.locator("#now .slider input").first
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator("#now .slider .stage").first.evaluate("e => e.style.getPropertyValue('--at')") == "0%"
    assert wrong == []


def test_an_example_is_one_click_and_a_question_back_is_another(page: Page, address: str) -> None:
    wrong = opened(page, address)
    page.click(".examples button >> nth=2")
    answered(page)
    assert "years old" in page.inner_text("#now .lead >> nth=0")
    page.click("#new")
    page.wait_for_selector(".welcome")
    ask(page, "How old is she?", [EXAMPLES / "group.jpg"])
    assert page.locator(".following button").all_inner_texts() == ["face 1.1", "face 1.2"]
    page.click(".following button >> nth=1")
    page.wait_for_selector("#turn-2 .answer .lead")
    answered(page)
    assert "looks about" in page.inner_text("#turn-2 .lead >> nth=0")
    assert wrong == []


def test_what_a_file_says_is_shown_and_never_run(page: Page, address: str, tmp_path: Path) -> None:
    from PIL import Image

    file = tmp_path / f"{HOSTILE}.jpg"
    with Image.open(EXAMPLES / "portrait.jpg") as image:
        exif = Image.Exif()
        exif[0x0131] = f"GIMP {HOSTILE}"
        exif[0x010E] = f"<script>alert(2)</script>{HOSTILE}"
        image.save(file, exif=exif)
    wrong = opened(page, address)
    ask(page, f"What do the records say? {HOSTILE}", [file])
    page.click("#now [data-act=rests]")
    assert HOSTILE in page.inner_text("#now h3")
    assert "mention “GIMP”" in page.inner_text("#now .answer")
    assert f"<script>alert(2)</script>{HOSTILE}" in str(page.text_content("#evidence"))
    assert page.locator("img[src=x]").count() == 0
    assert wrong == []


def test_a_file_that_is_no_photo_is_told_in_a_sentence(page: Page, address: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.jpg"
    file.write_text("no photo")
    opened(page, address)
    ask(page, "Is this photo real?", [file])
    assert page.inner_text("#now .trouble").startswith("notes.jpg is not an image that can be read.")


def test_conversations_are_kept_renamed_opened_and_deleted(chrome: Browser, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as address:
        context = chrome.new_context(locale="en-US")
        page = context.new_page()
        opened(page, address)
        ask(page, "How many faces are there?", [EXAMPLES / "group.jpg"])
        context.close()
        kept = next((data / "conversations").glob("*/*"))
        assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o700, 0o700)

        context = chrome.new_context(locale="en-US")
        page = context.new_page()
        wrong = opened(page, address)
        page.click(".shelf summary")
        page.fill(".shelf input", "The two of them")
        page.click(".shelf [data-act=rename]")
        page.wait_for_function("document.querySelector('.shelf [data-act=open]').innerText === 'The two of them'")
        page.click(".shelf [data-act=open]")
        page.wait_for_selector("#now .answer")
        assert "two faces" in page.inner_text("#now .lead").lower()
        ask(page, "How old does each person look?")
        assert page.locator("#past .turn").count() == 1
        page.click(".shelf summary")
        page.click(".shelf [data-act=delete]")
        page.wait_for_selector(".shelf .empty")
        assert not kept.exists()
        assert wrong == []
        context.close()


def test_a_phone_shows_the_same_and_the_evidence_rises_from_below(chrome: Browser, address: str) -> None:
    context = chrome.new_context(**PHONE, locale="en-US")  # type: ignore[arg-type]
    page = context.new_page()
    wrong = opened(page, address)
    page.tap(".examples button >> nth=0")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.locator("#evidence").is_visible()
    page.locator("#now .lead .chip").first.tap()
    assert page.locator("#evidence .card[open]").is_visible()
    page.locator("#evidence .close").tap()
    assert not page.locator("#evidence").is_visible()
    assert wrong == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chrome: Browser, address: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # What fades in has too little contrast while it does.
    context = chrome.new_context(color_scheme=scheme, locale="en-US", reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    opened(page, address)
    page.wait_for_selector("body.dark" if scheme == "dark" else "body:not(.dark)")
    at_first = axe.Axe().run(page)
    ask(page, "Do these show the same person?", [EXAMPLES / "portrait.jpg", EXAMPLES / "portrait-altered.jpg"])
    page.locator("#now .lead .chip").first.click()
    answered_too = axe.Axe().run(page)
    serious = [
        f"{rule['id']}: {node['html'][:120]}"
        for found in (at_first, answered_too)
        for rule in found.response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert serious == []
    context.close()


def test_the_page_speaks_the_browsers_language(chrome: Browser, address: str) -> None:
    context = chrome.new_context(locale="de-CH")
    page = context.new_page()
    opened(page, address)
    assert page.evaluate("document.documentElement.lang") == "de"
    assert "Was möchten Sie" in page.inner_text(".welcome h2")
    page.click(".languages a[lang=fr]")
    page.wait_for_function("document.documentElement.lang === 'fr'")
    context.close()


def test_a_question_can_be_stopped(chrome: Browser, address: str, tmp_path: Path) -> None:
    """Twenty photos take a while; what was established by then is told."""
    files = [tmp_path / f"{number}.jpg" for number in range(20)]
    for file in files:
        shutil.copyfile(EXAMPLES / "group.jpg", file)
    context = chrome.new_context(locale="en-US")
    page = context.new_page()
    wrong = opened(page, address)
    page.set_input_files("#box input[type=file]", [str(file) for file in files])
    page.wait_for_function("document.querySelectorAll('#box .thumbnail-item').length == 20")
    page.fill("#box textarea", "Are these photos real, and how good is their quality?")
    click_at_once(page, "#box .stop-button", after="#now .steps .pulse")
    page.press("#box textarea", "Enter")
    answered(page)
    assert "cancelled" in page.inner_text("#now .gaps")
    assert wrong == []
    context.close()


def test_what_is_kept_is_json_that_reads_back(chrome: Browser, tmp_path: Path) -> None:
    from faceagent.app.figures import Told

    with running(tmp_path) as address:
        context = chrome.new_context(locale="en-US")
        page = context.new_page()
        opened(page, address)
        ask(page, "How many faces are there?", [EXAMPLES / "portrait.jpg"])
        context.close()
    turn = next((tmp_path / "conversations").glob("*/*/turns/0001.json"))
    assert Told.model_validate(json.loads(turn.read_text())).answer.status == "answered"


def test_a_video_is_asked_about(page: Page, address: str, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    panned(Photo.open(EXAMPLES / "portrait.jpg"), clip, frames=8)
    wrong = opened(page, address)
    ask(page, "What do the file's own records say?", [clip])
    assert page.inner_text("#now .given figcaption") == "video 1 · clip.mp4"
    assert "video" in page.inner_text("#now .lead >> nth=0")
    assert wrong == []
