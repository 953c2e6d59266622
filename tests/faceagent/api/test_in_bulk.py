"""The command of docs/scale.md that asks about each file of a collection, as it stands there."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai_server
import pytest
from conftest import EXAMPLES

pytest.importorskip("fastapi")
pytest.importorskip("langchain_openai")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("curl", "xargs"))), reason="needs curl")
PAGE = Path(__file__).parents[3] / "docs" / "scale.md"


@pytest.fixture
def served() -> Iterator[openai_server.Served]:
    with openai_server.serving(openai_server.counting) as served:
        yield served


@pytest.fixture
def port(served: openai_server.Served, tmp_path: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "faceagent", "api", "--port", str(port), "--workers", "2", "--rate", "100000"]
    server = subprocess.Popen([*command, "--controller", served.spec, "--data", str(tmp_path / "api")])
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/health", server)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert server.poll() is None and time.monotonic() < end, "it never came up"
            time.sleep(0.2)


def test_each_file_is_asked_about_once(served: openai_server.Served, port: int, tmp_path: Path) -> None:
    archive, answers = tmp_path / "an archive", tmp_path / "answers"
    archive.mkdir()
    for name in ("one.jpg", 'of two; people, "quoted".jpg'):
        shutil.copy(EXAMPLES / "portrait.jpg", archive / name)
    text = PAGE.read_text(encoding="utf-8").partition("<!-- ask -->\n```sh\n")[2].partition("```")[0]
    text = text.replace("Is anybody smiling?", "How many people are there?")  # which the stand-in can answer
    command = text.replace("ARCHIVE", "'an archive'").replace("ANSWERS", "answers").replace(":8600", f":{port}")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    made = [json.loads(path.read_text("utf-8")) for path in (answers / "an archive").iterdir()]
    assert len(made) == 2
    assert all(one["answer"]["claims"] for one in made)
    asked = len(served.requests)
    assert asked >= 2
    shutil.copy(EXAMPLES / "portrait.jpg", archive / "new.jpg")
    (archive / "broken.jpg").write_bytes(b"no photo at all")
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False, capture_output=True).returncode != 0
    assert {path.name for path in (answers / "an archive").glob("*.json")} == {
        *("one.jpg.json", 'of two; people, "quoted".jpg.json', "new.jpg.json")
    }
    assert len(served.requests) <= 1.5 * asked
