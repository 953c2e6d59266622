"""The description is true: schemathesis makes requests of it, good and bad ones, and holds the answers against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from fakes import fake_toolbox
from hypothesis import HealthCheck, given, settings
from photo_files import png

from faceagent.agent import FaceAgent
from faceagent.api.app import OPEN, create_app
from faceagent.api.service import Settings
from faceagent.types import Answer, Report
from faceagent.web.gate import Rules
from faceagent.web.keys import KeyFile

schemathesis = pytest.importorskip("schemathesis")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFile:
    return KeyFile(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="module")
def headers(keys: KeyFile) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys.add('schemathesis', ['research'])}"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, keys: KeyFile) -> Iterator[Any]:
    data: Path = tmp_path_factory.mktemp("described")
    agent = FaceAgent(tools=fake_toolbox().values())
    app = create_app(agent, Settings(data, Rules(keys=keys, open=OPEN, per_minute=100_000)))

    async def started(scope: Any, receive: Any, send: Any) -> None:
        """schemathesis starts and ends an application for each request; this one stays."""
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for part in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{part}.complete"})

    yield schemathesis.openapi.from_asgi("/openapi.json", started)
    app.state.service.close()


OPERATIONS = (
    ("GET", "/v1/health"),
    ("GET", "/v1/tools"),
    ("POST", "/v1/ask"),
    ("GET", "/v1/conversations/{conversation_id}/files/{number}"),
    ("DELETE", "/v1/conversations/{conversation_id}"),
    ("POST", "/v1/report"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/{job_id}"),
    ("DELETE", "/v1/jobs/{job_id}"),
    ("GET", "/v1/jobs/{job_id}/report.{kind}"),
)


def test_these_are_all(described: Any) -> None:
    assert {(method.upper(), path) for path, item in described.items() for method in item} == set(OPERATIONS)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_server_does_what_its_description_says(
    described: Any, headers: dict[str, str], method: str, path: str, mode: Any
) -> None:
    operation = described[path][method]
    if mode.is_negative and not (operation.path_parameters or operation.body):
        pytest.skip("nothing can be wrong with it")

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def holds(case: Any) -> None:
        if mode.is_positive and isinstance(case.body, dict) and case.body.get("files"):
            case.body["files"] = [png() for _ in case.body["files"]]  # the schema cannot say what a photo is
        case.call_and_validate(headers=headers)

    holds()


def test_the_types_are_those_of_the_package(described: Any) -> None:
    schemas = described.raw_schema["components"]["schemas"]
    for model in (Answer, Report):
        assert schemas[model.__name__]["properties"].keys() == model.model_fields.keys()
    assert "Problem" in schemas
    assert described.raw_schema["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere(described: Any) -> None:
    def references(part: Any) -> Any:
        if isinstance(part, dict):
            yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            part = list(part.values())
        for item in part if isinstance(part, list) else []:
            yield from references(item)

    known = {f"#/components/schemas/{name}" for name in described.raw_schema["components"]["schemas"]}
    assert set(references(described.raw_schema)) <= known
