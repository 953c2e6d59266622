"""The app as its users meet it: started by its command, and driven in headless Chromium."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
PATIENCE = 120_000  # milliseconds, on a machine that does much else


def chromium() -> str | None:
    """The browser of this machine, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[str]:
    """`faceagent chat` with its data in a folder; gives its address."""
    command = [sys.executable, str(ROOT / "app.py"), "--port", "0", "--data", str(folder), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = next((word for word in line.split() if word.startswith("http://")), None)
            assert address, f"the app did not start: {line!r}"
            yield address
        finally:
            process.terminate()


@contextmanager
def browser(*more: str) -> Iterator[Browser]:
    """Chromium, with further arguments of its command line."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *more])
        yield found
        found.close()


@contextmanager
def camera(folder: Path) -> Iterator[Browser]:
    """Chromium with a camera before which the example's portrait stands, whose film is kept in a folder."""
    film = folder / "camera.mjpeg"
    with Image.open(EXAMPLES / "portrait.jpg") as image:
        frame = io.BytesIO()
        image.convert("RGB").resize((640, 640)).crop((0, 0, 640, 480)).save(frame, "JPEG", quality=92)
    film.write_bytes(frame.getvalue() * 3)
    with browser(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ) as found:
        yield found


def opened(page: Page, address: str) -> list[str]:
    """Open the app in a page; gives the list to which everything is added that should not happen: errors of the
    console, of scripts, and requests to other hosts."""
    wrong: list[str] = []
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: None if _own(request.url, address) else wrong.append(request.url))
    page.goto(address)
    page.wait_for_selector(".welcome")
    return wrong


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))


def ask(page: Page, question: str, files: Sequence[Path] = ()) -> None:
    """Put a question and wait for the whole answer."""
    before = page.locator(".turn").count()
    if files:
        page.set_input_files("#box input[type=file]", [str(file) for file in files])
        page.wait_for_function("n => document.querySelectorAll('#box .thumbnail-item').length >= n", arg=len(files))
    page.fill("#box textarea", question)
    page.press("#box textarea", "Enter")
    page.wait_for_function("n => document.querySelectorAll('.turn').length > n", arg=before)
    answered(page)


def click_at_once(page: Page, what: str, after: str = "body") -> None:
    """Click something as soon as it is there, once something else is: by the page itself, since what is to be stopped
    may be over before a driver's click has come through."""
    page.evaluate(
        """([what, after]) => {
            const looking = setInterval(() => {
                const found = document.querySelector(after) && document.querySelector(what);
                if (found) { clearInterval(looking); found.click(); }
            }, 10);
        }""",
        [what, after],
    )


def answered(page: Page) -> None:
    """Wait until the question that runs is answered and everything around it is there."""
    page.wait_for_selector("#now .answer")
    page.wait_for_selector("#report:visible")
    page.wait_for_selector("#box .submit-button")
