"""Answers as server-sent events: the steps as they happen, then the answer, or why there is none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_toolbox

pytest.importorskip("fastapi")

import httpx
import uvicorn

from faceagent.agent import FaceAgent
from faceagent.api.app import OPEN, create_app
from faceagent.api.service import Settings
from faceagent.errors import ControllerError
from faceagent.types import Answer, Answered
from faceagent.web.gate import Rules

from .conftest import GROUP, Make, jpeg, stored
from .test_api import Held, ask, broken

STREAM = {"Accept": "text/event-stream"}


def told(text: str) -> list[tuple[str, Any]]:
    """Name and data of each event, read as the HTML standard says."""
    parts = [dict(line.split(": ", 1) for line in part.split("\n")) for part in text.split("\n\n") if part]
    return [(part["event"], json.loads(part["data"])) for part in parts]


def test_the_steps_come_before_the_answer(client: Any, tmp_path: Path) -> None:
    response = ask(client, "How many faces are there?", jpeg(GROUP, "group.jpg"), headers=STREAM)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    *steps, (last, asked) = told(response.text)
    answer = Answer.model_validate(asked["answer"])
    assert last == "answered" and answer.text.startswith("There are two faces")
    assert [name for name, _ in steps] == ["step_started", "step_finished"]
    assert [data for name, data in steps if name == "step_finished"] == [
        step.model_dump(mode="json") for step in answer.steps
    ]
    again = ask(client, "How old does the person on the left look?", conversation=asked["conversation"])
    assert again.status_code == 200
    assert stored(tmp_path) == []


def test_what_is_refused_before_anything_is_measured_has_its_own_status(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(client, "And now?", conversation="0" * 32, headers=STREAM).status_code == 404
    assert ask(client, "Who?", jpeg(b"none", "broken.jpg"), headers=STREAM).status_code == 415
    monkeypatch.setattr(client.app.state.service.agent, "stream", broken)
    assert ask(client, "What is it?", jpeg(), headers=STREAM).status_code == 500


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (ControllerError("The model said nothing of use", "Try again"), 500, "The model said nothing of use."),
        (ZeroDivisionError("secret"), 500, "Something unexpected went wrong."),
    ],
)
def test_what_fails_on_the_way_is_the_last_event(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, detail: str
) -> None:
    client = make(seated=FaceAgent(tools=fake_toolbox().values()))
    agent = client.app.state.service.agent  # type: ignore[attr-defined]
    whole = agent.stream

    def fails_half_way(*given: Any, **named: Any) -> Iterator[Any]:
        for event in whole(*given, **named):
            if isinstance(event, Answered):
                raise error
            yield event

    monkeypatch.setattr(agent, "stream", fails_half_way)
    response = ask(client, "Is the photo sharp?", jpeg(), headers=STREAM)
    name, problem = told(response.text)[-1]
    assert (response.status_code, name) == (200, "refused")
    assert (problem["status"], problem["detail"]) == (status, detail)
    assert "secret" not in response.text
    assert stored(tmp_path) == []


def test_a_step_is_told_while_the_next_one_runs(tmp_path: Path) -> None:
    """Through a real server, because a test client hands over a response whole."""
    held = Held()
    app = create_app(FaceAgent(tools=fake_toolbox(held).values()), Settings(tmp_path, Rules(open=OPEN)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/ask"
        try:
            with httpx.stream(
                "POST", url, data={"question": "Is the photo sharp?"}, files=[jpeg()], headers=STREAM, timeout=60
            ) as response:
                lines = response.iter_lines()
                assert next(lines) == "event: step_started"
                assert held.reached.wait(20) and not held.go.is_set()
                held.go.set()
                assert "event: answered" in list(lines)
        finally:
            held.go.set()
            server.should_exit = True
            thread.join()
