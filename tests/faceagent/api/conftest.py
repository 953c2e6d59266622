"""The API as its clients see it: real photos, the embedded controller, and a folder of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import EXAMPLES

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from faceagent.agent import FaceAgent
from faceagent.api.app import OPEN, create_app
from faceagent.api.service import Settings
from faceagent.web.gate import Rules

HERE = "http://127.0.0.1:8600"
PORTRAIT = (EXAMPLES / "portrait.jpg").read_bytes()
GROUP = (EXAMPLES / "group.jpg").read_bytes()

Make = Callable[..., TestClient]


def jpeg(data: bytes = PORTRAIT, name: str = "portrait.jpg", kind: str = "image/jpeg") -> tuple[str, Any]:
    return "files", (name, data, kind)


@pytest.fixture(scope="session")
def agent() -> FaceAgent:
    return FaceAgent()


@pytest.fixture
def make(agent: FaceAgent, tmp_path: Path) -> Iterator[Make]:
    """A client of a server with these settings and rules."""
    opened: list[TestClient] = []

    def make(settings: dict[str, Any] | None = None, seated: FaceAgent | None = None, **rules: Any) -> TestClient:
        made = Settings(tmp_path / "data", Rules(**{"open": OPEN, "per_minute": 6000, **rules}), **(settings or {}))
        client = TestClient(create_app(seated or agent, made), base_url=HERE)
        client.__enter__()
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make: Make) -> TestClient:
    return make()


def stored(tmp_path: Path) -> list[str]:
    """What is left of uploads."""
    return [path.name for path in (tmp_path / "data" / "uploads").iterdir()]


def ended(client: TestClient, job_id: str, **options: Any) -> dict[str, Any]:
    for _ in range(1000):
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}", **options).json()
        if job["state"] not in ("waiting", "running"):
            return job
        time.sleep(0.03)
    raise AssertionError("the job does not end")
