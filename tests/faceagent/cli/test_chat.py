"""`faceagent chat`: what it refuses before anything is served."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

pytest.importorskip("gradio")

from faceagent.cli import main


def test_it_is_not_open_to_others_without_passwords(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "--host", "0.0.0.0"]) == 2
    assert "Name a file of passwords with --auth." in capsys.readouterr().err


def test_an_unknown_purpose_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "--purpose", "fun"]) == 2
    assert "There is no purpose “fun”" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["chat", "--port", port, "--data", str(tmp_path)]) == 2
    assert f"127.0.0.1:{port} cannot be listened on" in capsys.readouterr().err
