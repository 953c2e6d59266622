"""The tabs beside the chat end to end, in headless Chromium."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("gradio")
pytest.importorskip("playwright")

import skimage.data
from app_driver import EXAMPLES, PHONE, camera, chromium, click_at_once, opened, running
from PIL import Image
from playwright.sync_api import Browser, Page

from faceagent.types import Report

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium here")

TABS = ("Report", "People", "Live", "Models", "About")
HOSTILE = "<img src=x onerror=alert(1)> ${7*7} {{7*7}}.png"
WORDS = "four plain words here"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def address(data: Path) -> Iterator[str]:
    with running(data) as found:
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


def to(page: Page, tab: str) -> None:
    button = page.get_by_role("tab", name=tab, exact=True)
    if button.count() and button.first.is_visible():
        button.first.click()
    else:  # where there is no room for all, the last stand in a menu
        page.click("#tabs .overflow-menu > button >> nth=0")
        page.locator("#tabs .overflow-dropdown button", has_text=tab).first.click()
    page.locator(f"#tab-{tab.lower()} h2").first.wait_for()


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty files: two portraits, seventeen photos of a cup of coffee, and one that is broken."""
    folder = tmp_path_factory.mktemp("batch")
    coffee = Image.fromarray(skimage.data.coffee())
    files = [folder / f"coffee {number:02}.png" for number in range(16)] + [folder / HOSTILE.replace("/", "")]
    for number, file in enumerate(files):
        coffee.crop((number, number, number + 320, number + 240)).resize((160, 120)).save(file)
    for name in ("portrait.jpg", "portrait-altered.jpg"):
        files.append(folder / name)
        files[-1].write_bytes((EXAMPLES / name).read_bytes())
    files.append(folder / "broken.jpg")
    files[-1].write_bytes(b"\xff\xd8\xff\xe0 broken")
    return files


def submit(page: Page, files: list[Path]) -> None:
    page.set_input_files("#reports-files input[type=file]", [str(file) for file in files])
    page.wait_for_function("n => document.querySelectorAll('#reports-files .file').length >= n", arg=len(files))
    page.click("#reports-go")


def open_a_report(page: Page, batch: list[Path]) -> None:
    """The one that an earlier test made, or a new one."""
    page.wait_for_selector(".queue")
    if not page.locator(".job [data-act=open]").count():
        submit(page, batch[:1])
    page.locator(".job [data-act=open]").first.click()
    page.wait_for_selector(".rows")


def test_twenty_files_one_of_them_broken(page: Page, address: str, data: Path, batch: list[Path]) -> None:
    wrong = opened(page, address)
    to(page, "Report")
    submit(page, batch)
    page.wait_for_selector(".job progress")
    page.click(".job [data-act=open]")
    page.wait_for_selector(".rows")
    assert page.locator(".rows tbody tr").count() == 20
    assert page.locator("img[src=x]").count() == 0 and "49" not in page.inner_text(".rows th:has-text('onerror')")
    broken = page.locator(".rows tr.not_examined")
    assert "broken.jpg is damaged" in broken.inner_text() and "download it again" in broken.inner_text()
    assert list((data / "report-files").iterdir()) == []

    page.get_by_label("Signs of alteration").check()
    page.wait_for_function("document.querySelectorAll('.rows tbody tr').length === 1")
    page.get_by_label("All", exact=True).check()
    page.fill("#filter-name input, #filter-name textarea", "PORTRAIT")
    page.wait_for_function("document.querySelectorAll('.rows tbody tr').length === 2")

    page.get_by_role("button", name="portrait-altered.jpg").click()
    exhibit = page.frame_locator("iframe.alone")
    assert "thumbnail embedded in the file" in exhibit.locator(".finding").inner_text()
    assert exhibit.locator("figure img").first.get_attribute("alt")
    page.wait_for_function("document.querySelector('iframe.alone').offsetHeight > 800")
    page.click("#exhibit-before")
    exhibit.locator("h2", has_text="portrait.jpg").wait_for()
    assert page.locator("#exhibit-before").is_disabled()
    page.click("#exhibit-back")
    page.wait_for_selector(".rows")

    with page.expect_download() as waiting:
        page.click("#download-zip")
    with zipfile.ZipFile(waiting.value.path()) as archive:
        report = Report.model_validate_json(archive.read("report.json"))
        assert {"report.html", "report.csv"} <= set(archive.namelist())
    assert (len(report.exhibits), len(report.failures)) == (19, 1)
    assert wrong == []


def test_a_report_is_cancelled_and_deleted(page: Page, address: str, data: Path, batch: list[Path]) -> None:
    wrong = opened(page, address)
    to(page, "Report")
    page.wait_for_selector(".queue")
    before = page.locator(".job").count()
    click_at_once(page, ".job [data-act=cancel]")
    submit(page, batch)
    page.wait_for_selector(".job.cancelled")
    page.click(".job.cancelled summary")
    page.click(".job.cancelled [data-act=remove]")
    page.wait_for_function("n => document.querySelectorAll('.job').length === n", arg=before)
    assert len([one for one in (data / "reports").iterdir() if one.is_dir()]) == before
    assert wrong == []


def test_somebody_is_enrolled_with_consent_and_erased_with_the_proof(page: Page, address: str) -> None:
    wrong = opened(page, address)
    to(page, "People")
    page.fill("#people-passphrase input", WORDS)
    page.fill("#people-again input", WORDS)
    page.click("#people-open")
    page.wait_for_selector("#people .count")
    assert not page.locator("#people-passphrase input").is_visible()

    name = "Eileen <b>Collins</b>"
    page.get_by_label("Name", exact=True).fill(name)
    page.set_input_files("#enrol-photos input[type=file]", [EXAMPLES / "portrait.jpg", EXAMPLES / "group.jpg"])
    page.wait_for_function("document.querySelectorAll('#enrol-photos .file').length === 2")
    page.click("#enrol-go")
    page.locator(".toast-body").get_by_text("needs the person's consent").wait_for()
    page.fill("#enrol-statement textarea", "She agreed in writing, 2 May 2026.")
    page.click("#enrol-go")
    page.wait_for_selector("#enrol-result .shots")
    assert "It shows 2 faces" in page.inner_text("#enrol-result .left_out")
    assert page.locator("#enrol-result .taken").count() == 1

    page.click(".people [data-act=show]")
    page.wait_for_selector(".person .crops img")
    assert "She agreed in writing" in page.inner_text(".person .facts")
    page.get_by_role("tab", name="Who is this?").click()
    page.set_input_files("#look-photos input[type=file]", [EXAMPLES / "portrait-altered.jpg"])
    page.wait_for_selector("#look-photos .file")
    page.click("#look-go")
    page.wait_for_selector("#look-result .shots")
    assert name in page.inner_text("#look-result .named")

    page.click(".people .sure summary")
    page.click(".people [data-act=forget]")
    page.get_by_text("Nobody is enrolled yet.").wait_for()
    assert "none was found" in page.inner_text("#people-person .result")
    page.get_by_role("tab", name="Check").click()
    page.click("#check-go")
    page.wait_for_selector("#check-result .lead")
    assert wrong == []


def test_the_camera_is_on_only_while_it_is_wanted_and_seen(page: Page, address: str, data: Path) -> None:
    wrong = opened(page, address)
    to(page, "Live")
    assert page.inner_text(".live .told") == "The camera is off."
    before = sorted(data.rglob("*"))
    page.click(".live .switch")
    page.wait_for_selector(".live .lines li")
    assert "turned" in page.inner_text(".live .lines") and "expression" not in page.inner_text(".live .lines")
    assert page.locator(".live .marks rect").count() == 2
    # Drawn within the picture, in its upper half, where the face is; anew for each frame, so both are asked at once.
    shown, mark = page.evaluate(
        "['.live .stage', '.live .marks rect.over']"
        ".map(part => document.querySelector(part).getBoundingClientRect().toJSON())"
    )
    assert shown["y"] <= mark["y"] and mark["y"] + mark["height"] / 2 < shown["y"] + shown["height"] / 2
    assert shown["x"] < mark["x"] and mark["x"] + mark["width"] < shown["x"] + shown["width"]
    page.evaluate("window.track = document.querySelector('.live video').srcObject.getTracks()[0]")
    to(page, "About")
    page.wait_for_function("window.track.readyState === 'ended'")
    to(page, "Live")
    assert page.inner_text(".live .told") == "The camera is off."
    assert sorted(data.rglob("*")) == before
    assert wrong == []


def test_a_controller_that_cannot_be_had_is_told_and_the_seat_stays(page: Page, address: str) -> None:
    wrong = opened(page, address)
    to(page, "Models")
    page.get_by_label("A model in a folder").check()
    page.fill("#models-where input, #models-where textarea", "/no/such/folder")
    page.click("#models-go")
    page.locator(".toast-body").get_by_text("is no folder on this machine").wait_for()
    assert page.inner_text(".seat .now") == "embedded"
    assert page.get_by_role("button", name="licence").first.is_visible()
    assert wrong == []


def test_all_of_it_fits_a_phone(chrome: Browser, address: str, batch: list[Path]) -> None:
    context = chrome.new_context(**PHONE, locale="en-US")  # type: ignore[arg-type]
    page = context.new_page()
    wrong = opened(page, address)
    for tab in TABS:
        to(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
    to(page, "Report")
    open_a_report(page, batch)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_tab(chrome: Browser, address: str, batch: list[Path], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = chrome.new_context(color_scheme=scheme, locale="en-US")  # type: ignore[arg-type]
    page = context.new_page()
    opened(page, address)
    serious = []
    for tab in TABS:
        to(page, tab)
        if tab == "Report":
            open_a_report(page, batch)
        if tab == "People":
            page.wait_for_selector("#people .count, #people-open")
        serious += [
            f"{tab}: {rule['id']}: {node['html'][:160]}"
            for rule in axe.Axe().run(page).response["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]
    context.close()
    assert serious == []
