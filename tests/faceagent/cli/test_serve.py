"""`faceagent serve`: what it prints, what it says without vLLM, and how it starts one."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from faceagent.cli import main

MODEL = "Qwen/Qwen3-VL-8B-Instruct"

# Stands for vLLM: writes down how it was started, and ends as vLLM would on a fault.
STAND_IN = """#!{python}
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ.get("VLLM_API_KEY")]))
sys.exit(7)
"""


def test_the_command_can_be_pasted_into_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", MODEL, "--print", "--vllm=--dtype float32"]) == 0
    printed = capsys.readouterr().out
    words = [word for word in shlex.split(printed) if word != "\n"]
    assert words[:3] == ["vllm", "serve", MODEL]
    assert words[words.index("--limit-mm-per-prompt") + 1] == '{"image": 8}'
    assert words[-2:] == ["--dtype", "float32"]


def test_without_vllm_it_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert main(["serve", MODEL]) == 1
    told = capsys.readouterr()
    assert told.out.startswith(f"vllm serve {MODEL}")
    assert "vLLM is not installed in this environment" in told.err
    assert f"--controller openai:http://127.0.0.1:8000/v1#{MODEL}" in told.err


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a first line that Windows does not read")
def test_vllm_takes_over_with_the_key_in_its_environment(tmp_path: Path) -> None:
    stand_in = tmp_path / "vllm"
    stand_in.write_text(STAND_IN.format(python=sys.executable))
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    environment = {**os.environ, "PATH": str(tmp_path), "FACEAGENT_API_KEY": "sesame"}
    done = subprocess.run(
        [sys.executable, "-m", "faceagent", "serve", MODEL], env=environment, capture_output=True, text=True
    )
    arguments, key = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 7
    assert arguments[:2] == ["serve", MODEL]
    assert key == "sesame"
    assert "sesame" not in " ".join(arguments)


def test_a_server_open_to_others_is_remarked_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACEAGENT_API_KEY", raising=False)
    main(["serve", MODEL, "--print"])
    assert "can use this server" not in capsys.readouterr().err
    main(["serve", MODEL, "--print", "--host", "0.0.0.0"])
    assert "can use this server" in capsys.readouterr().err
    monkeypatch.setenv("FACEAGENT_API_KEY", "sesame")
    main(["serve", MODEL, "--print", "--host", "0.0.0.0"])
    told = capsys.readouterr()
    assert "can use this server" not in told.err
    assert "sesame" not in told.out + told.err


def test_a_model_that_nobody_knows_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "nobody/knows"]) == 2
    assert "--tool-parser" in capsys.readouterr().err
