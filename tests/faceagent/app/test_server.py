"""The front door: language, headers, passwords, other hosts, and addresses that are never fetched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("gradio")

from conftest import EXAMPLES
from starlette.testclient import TestClient

from faceagent.app.desk import Desk, Settings
from faceagent.app.server import front_door, passwords_of
from faceagent.errors import UsageError


def client(folder: Path, passwords: dict[str, str] | None = None) -> TestClient:
    return TestClient(front_door(Desk.of(Settings(folder)), passwords), follow_redirects=False)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client(tmp_path_factory.mktemp("data")) as found:
        yield found


def test_the_browsers_language_leads_to_its_page(app: TestClient) -> None:
    assert app.get("/", headers={"Accept-Language": "fr-CA,en;q=0.5"}).headers["location"] == "/fr/"
    assert app.get("/", headers={"Accept-Language": "fr", "Cookie": "language=de"}).headers["location"] == "/de/"
    assert app.get("/", headers={"Cookie": "language=../etc"}).headers["location"] == "/en/"


def test_nothing_comes_from_elsewhere(app: TestClient) -> None:
    page = app.get("/es/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "fonts.googleapis" not in page.text and "cdnjs" not in page.text


def test_pages_asked_for_at_once_do_not_mix_their_languages(tmp_path: Path) -> None:
    with client(tmp_path) as fresh, ThreadPoolExecutor(3) as pool:
        codes = ("en", "es", "de")
        texts = dict(zip(codes, pool.map(lambda code: fresh.get(f"/{code}/config").text, codes), strict=True))
    said = {"en": "Drop photos", "es": "Suelte abajo", "de": "Legen Sie unten"}
    assert {code: [other for other in codes if said[other] in texts[code]] for code in codes} == {
        code: [code] for code in codes
    }


def test_a_reader_is_told_that_the_page_is_being_made(tmp_path: Path) -> None:
    reader = {"Accept": "text/html,*/*"}
    with client(tmp_path) as fresh:
        told = fresh.get("/de/", headers=reader)
        assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
        assert "Die App startet" in told.text and "frame-ancestors 'none'" in told.headers["content-security-policy"]
        assert fresh.get("/de/ready").status_code == 204
        page = fresh.get("/de/", headers=reader).text
    assert "Die App startet" not in page and "gradio" in page


def test_gradio_writes_no_stubs_and_takes_no_mcp_along_while_it_is_imported() -> None:
    code = """
import gc, importlib.util, sys
from faceagent.app.lean import lean
sys.addaudithook(lambda event, given: event == "open" and str(given[0]).endswith(".pyi") and opened.append(given[0]))
opened = []
with lean():
    import gradio
    opened += [] if "pandas" in sys.modules and not gc.isenabled() else ["it was imported before"]
class Mine(gradio.Textbox): pass
opened += [name for name in sys.modules if name.partition(".")[0] == "mcp"]
opened += [] if gc.isenabled() else ["nothing is collected any more"]
import mcp
sys.exit(str(opened) if opened else 0)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_page_needs_no_torch() -> None:
    code = "import sys, faceagent.app.page, faceagent.app.server; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_page_that_was_pointed_here_by_another_name_is_turned_away(app: TestClient) -> None:
    assert app.get("/en/", headers={"Host": "evil.example"}).status_code == 400
    assert app.get("/en/config", headers={"Host": "127.0.0.1:7860"}).status_code == 200


def test_a_file_is_never_fetched_from_an_address(app: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio import processing_utils

    async def fetched(*_: object, **__: object) -> str:
        raise AssertionError("an address was fetched")

    monkeypatch.setattr(processing_utils, "async_ssrf_protected_download", fetched)
    config = app.get("/en/config").json()
    box = next(part["id"] for part in config["components"] if part["type"] == "multimodaltextbox")
    event = next(item for item in config["dependencies"] if [box, "submit"] in item["targets"])
    file = {"path": "http://169.254.169.254/latest/meta-data", "meta": {"_type": "gradio.FileData"}}
    sent = {"data": [{"text": "Who is this?", "files": [file]}, None], "fn_index": event["id"], "session_hash": "s"}
    joined = app.post("/en/gradio_api/queue/join", json=sent)
    assert joined.status_code == 200
    with app.stream("GET", "/en/gradio_api/queue/data", params={"session_hash": "s"}) as stream:
        said = next(line for line in stream.iter_lines() if "process_completed" in line)
    assert '"success":false' in said.replace(" ", "")
    assert "None is fetched from an address." in said


def test_conversations_and_the_system_are_not_served(app: TestClient, tmp_path_factory: pytest.TempPathFactory) -> None:
    for path in ("/etc/passwd", __file__):
        assert app.get(f"/en/gradio_api/file={path}").status_code == 403


def test_a_password_opens_the_door(tmp_path: Path) -> None:
    app = client(tmp_path, {"ada": "correct horse"})
    refused = app.get("/")
    assert refused.status_code == 401 and "Basic" in refused.headers["www-authenticate"]
    assert app.get("/favicon.ico", auth=("ada", "wrong")).status_code == 401
    assert app.get("/favicon.ico", auth=("nobody", "")).status_code == 401
    assert app.get("/favicon.ico", headers={"Authorization": "Basic %%%"}).status_code == 401
    assert app.get("/favicon.ico", headers={"Authorization": "Bearer YWRhOmNvcnJlY3QgaG9yc2U="}).status_code == 401
    assert app.get("/favicon.ico", auth=("ada", "correct horse")).status_code == 200


def test_passwords_are_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "who"
    file.write_text("ada:correct horse: battery\n\nbob:x\n")
    assert passwords_of(file) == {"ada": "correct horse: battery", "bob": "x"}
    for text in ("", "ada\n", ":x\n", "ada:\n"):
        file.write_text(text)
        with pytest.raises(UsageError, match="no names and passwords"):
            passwords_of(file)
    with pytest.raises(UsageError, match="cannot be read"):
        passwords_of(tmp_path / "missing")


def test_the_apps_folders_are_its_owners_alone(tmp_path: Path) -> None:
    desk = Desk.of(Settings(tmp_path / "data"))
    assert desk.folder("uploads").stat().st_mode & 0o777 == 0o700


def test_two_who_hand_in_the_same_photo_do_not_share_a_file(app: TestClient) -> None:
    photo = (EXAMPLES / "portrait.jpg").read_bytes()
    sent = [app.post("/en/gradio_api/upload", files={"files": ("portrait.jpg", photo)}) for _ in range(2)]
    first, second = (Path(response.json()[0]) for response in sent)
    first.unlink()  # the first is answered
    assert second.read_bytes() == photo
