"""FaceAgent through real servers: `transformers serve`, and vLLM as `faceagent serve` starts it.

Both serve the tiny VLM and a LoRA adapter that learnt to count faces by a tool call. A server that is not installed is
skipped; `.ci/served` installs both, vLLM in an environment of its own whose `bin` is on PATH.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from conftest import EXAMPLES
from langchain_core.messages import BaseMessage, HumanMessage
from openai_server import Reply, Request, counting, serving
from pydantic import BaseModel

pytest.importorskip("torch", reason="real servers: .ci/served installs what they take")
pytest.importorskip("peft", reason="real servers: .ci/served installs what they take")
pytest.importorskip("langchain_openai", reason="real servers: .ci/served installs what they take")

import tiny_vlm
from taught_vlm import teach

from faceagent.agent import FaceAgent
from faceagent.controllers.served import ServedController, connect
from faceagent.errors import ControllerError
from faceagent.tool import Toolbox

GROUP = EXAMPLES / "group.jpg"
QUESTION = "How many faces?"
BIN = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
MOST_PHOTOS = 4
STARTS_WITHIN = 600
"""Seconds until a server that is not up counts as broken."""


@dataclass(frozen=True)
class Server:
    """A running server. plain, taught: names of the model without and with the adapter."""

    url: str
    plain: str
    taught: str


def agent(controller: str) -> FaceAgent:
    """With one tool: the tiny VLM's context is short."""
    tools = [tool for tool in Toolbox.installed().values() if tool.name == "detect_faces"]
    return FaceAgent(controller, tools=tools)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders: plain (the tiny VLM), taught (its adapter), both (adapter and model in one, for transformers)."""
    folder = tmp_path_factory.mktemp("models")
    plain = tiny_vlm.build(folder / "plain")
    lessons: list[tuple[Request, Reply]] = []

    def recording(request: Request) -> Reply:
        lessons.append((request, counting(request)))
        return lessons[-1][1]

    with serving(recording) as served:
        agent(served.spec).ask(QUESTION, images=[GROUP])
    taught = teach(plain, lessons, folder / "taught")
    shutil.copytree(plain, folder / "both")
    shutil.copytree(taught, folder / "both", dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module", params=["transformers", "vllm"])
def server(request: pytest.FixtureRequest, models: Path) -> Iterator[Server]:
    if shutil.which(request.param, path=BIN) is None:
        pytest.skip(f"{request.param} is not installed here")
    with (on_transformers if request.param == "transformers" else on_vllm)(models) as running:
        yield running


@pytest.fixture
def vllm(server: Server) -> Server:
    if server.taught != "taught":
        pytest.skip("transformers serve does not do this")
    return server


@contextmanager
def on_transformers(models: Path) -> Iterator[Server]:
    port = free_port()
    program = str(shutil.which("transformers", path=BIN))
    options = ["--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port", str(port)]
    with started([program, "serve", *options], port, models / "transformers.log"):
        yield Server(f"http://127.0.0.1:{port}/v1", str(models / "plain"), str(models / "both"))


@contextmanager
def on_vllm(models: Path) -> Iterator[Server]:
    port = free_port()
    program = [sys.executable, "-m", "faceagent", "serve", str(models / "plain"), "--adapter", str(models / "taught")]
    limits = ["--port", str(port), "--images", str(MOST_PHOTOS), "--max-length", "4096"]
    small = "--vllm=--dtype float32 --enforce-eager --skip-mm-profiling --trust-request-chat-template"
    with started([*program, *limits, small], port, models / "vllm.log"):
        yield Server(f"http://127.0.0.1:{port}/v1", "plain", "taught")


@contextmanager
def started(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """A server from when it answers until the block ends, with everything that it started."""
    quiet = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **quiet}, start_new_session=True
        )
    try:
        wait_for(port, process, log)
        yield
    finally:
        stop(process)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=30)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def controller(server: Server, model: str) -> ServedController:
    return connect(f"{server.url}#{model}")


def with_photo(count: int = 1) -> list[BaseMessage]:
    data = base64.b64encode(GROUP.read_bytes()).decode()
    picture = {"type": "image", "base64": data, "mime_type": "image/jpeg"}
    return [HumanMessage([{"type": "text", "text": QUESTION}, *[picture] * count])]


def test_from_photo_to_answer_by_a_tool_call_of_the_adapter(server: Server) -> None:
    answer = agent(f"openai:{server.url}#{server.taught}").ask(QUESTION, images=[GROUP])
    assert answer.text == "I count 2 faces [e1]."
    assert [(step.tool, step.arguments, step.status) for step in answer.steps] == [
        ("detect_faces", {"images": ["image 1"]}, "ok")
    ]


def test_without_the_adapter_it_is_another_model(server: Server) -> None:
    said = [controller(server, model).invoke(QUESTION, max_tokens=8).text for model in (server.plain, server.taught)]
    assert said[0] != said[1]


def test_the_photo_is_read(server: Server) -> None:
    model = controller(server, server.taught)
    without = model.invoke(QUESTION, max_tokens=4).usage_metadata
    seeing = model.invoke(with_photo(), max_tokens=4).usage_metadata
    assert without and seeing
    assert seeing["input_tokens"] >= without["input_tokens"] + tiny_vlm.IMAGE_TOKENS


def test_a_stream_says_what_a_whole_answer_says(server: Server) -> None:
    model = controller(server, server.plain)
    whole = model.invoke(with_photo(), max_tokens=12).text
    assert "".join(piece.text for piece in model.stream(with_photo(), max_tokens=12)) == whole


def test_our_own_template_takes_photos(vllm: Server) -> None:
    template = files("faceagent.controllers").joinpath("hermes.jinja").read_text(encoding="utf-8")
    model = controller(vllm, vllm.plain).bind(max_tokens=4, extra_body={"chat_template": template})
    without, seeing = (model.invoke(asked).usage_metadata for asked in (QUESTION, with_photo()))
    assert seeing["input_tokens"] >= without["input_tokens"] + tiny_vlm.IMAGE_TOKENS


class Verdict(BaseModel):
    verdict: Literal["yes", "no"]


def test_the_server_holds_even_noise_to_a_schema(vllm: Server) -> None:
    found = controller(vllm, vllm.plain).with_structured_output(Verdict, method="json_schema").invoke(QUESTION)
    assert isinstance(found, Verdict)


def test_a_model_that_is_not_served(vllm: Server) -> None:
    with pytest.raises(ControllerError, match=r"does not serve a model 'tought'. It serves .*taught"):
        controller(vllm, "tought").invoke(QUESTION)


def test_more_photos_than_are_allowed(vllm: Server) -> None:
    with pytest.raises(ControllerError, match="takes fewer images in one question than there are"):
        controller(vllm, vllm.taught).invoke(with_photo(MOST_PHOTOS + 1))


def test_a_question_that_is_too_long(vllm: Server) -> None:
    with pytest.raises(ControllerError, match="longer than taught can read at once"):
        controller(vllm, vllm.taught).invoke(QUESTION * 2000)
