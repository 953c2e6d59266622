"""`faceagent api` and its keys at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from faceagent.cli import main
from faceagent.web.keys import KeyFile


def test_keys_are_made_listed_and_withdrawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = str(tmp_path / "keys.json")
    assert main(["api", "key", "new", "--keys", kept, "--name", "press", "--purpose", "research"]) == 0
    told = capsys.readouterr()
    key = told.out.strip()
    holder = KeyFile(Path(kept)).holder(key)
    assert holder is not None
    assert "shown once" in told.err
    assert main(["api", "key", "list", "--keys", kept]) == 0
    listed = capsys.readouterr().out
    assert holder.id in listed
    assert "research" in listed
    assert key not in listed
    assert main(["api", "key", "withdraw", holder.id, "--keys", kept]) == 0
    assert KeyFile(Path(kept)).holder(key) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "no keys"),
        (["--host", "0.0.0.0", "--keys", "none.json"], "no key in none.json"),
        (["key", "withdraw", "--keys", "none.json"], "missing"),
        (["key", "withdraw", "0", "--keys", "none.json"], "no key '0'"),
        (["key", "new", "--keys", "none.json", "--purpose", "stalking"], "no purpose"),
    ],
)
def test_a_wrong_command_is_a_sentence(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["api", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
