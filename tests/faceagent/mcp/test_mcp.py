"""A client of the SDK against the server: over standard input and output, over HTTP, and in this process."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile_files
import jsonschema
import pytest
from conftest import EXAMPLES
from PIL import Image

pytest.importorskip("mcp")

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from faceagent.agent import FaceAgent
from faceagent.cli import main
from faceagent.mcp.desk import Desk
from faceagent.mcp.folders import Folders
from faceagent.mcp.server import http_app, make_server
from faceagent.uploads import Uploads
from faceagent.web.gate import Rules
from faceagent.web.keys import KeyFile


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("portrait.jpg", "portrait-altered.jpg", "group.jpg"):
        shutil.copy(EXAMPLES / name, folder)
    (folder / "<b>broken.jpg").write_bytes(b"%PDF")
    (tmp_path / "secret.jpg").write_bytes((EXAMPLES / "portrait.jpg").read_bytes())
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    return folder


@pytest.fixture(scope="module")
def agent() -> FaceAgent:
    return FaceAgent()


@pytest.fixture
def desk(agent: FaceAgent, photos: Path, tmp_path: Path) -> Desk:
    return Desk(agent, Folders([photos]), Uploads(tmp_path / "copies"), tmp_path / "reports")


def text(result: Any) -> str:
    return "\n".join(part.text for part in result.content if part.type == "text")


async def opened(client: Client, *paths: str) -> str:
    result = await client.call_tool("open_photos", {"paths": list(paths)})
    assert not result.is_error, text(result)
    return str(result.structured_content["conversation"])


async def test_tools_have_their_names_and_schemas(desk: Desk, agent: FaceAgent) -> None:
    async with Client(make_server(desk)) as client:
        offered = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(offered)[:3] == ["open_photos", "ask", "report"]
        missing = set(agent.tools) - set(offered)
        assert missing == {"enroll_person", "forget_person", "identify_person", "verify_protected_identity"}
        for name in offered.keys() & agent.tools.keys():
            schema = dict(offered[name].input_schema["properties"])
            del schema["conversation"]
            assert schema == agent.tools[name].arguments.model_json_schema().get("properties", {})
        for tool in offered.values():
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            assert "purpose" not in tool.input_schema["properties"]


async def test_measuring_gives_evidence_and_pictures(desk: Desk) -> None:
    async with Client(make_server(desk)) as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        talk = await opened(client, "group.jpg", "portrait-altered.jpg")
        faces = await client.call_tool("detect_faces", {"conversation": talk, "images": ["image 1"]})
        jsonschema.validate(faces.structured_content, schemas["detect_faces"])
        assert "two faces" in text(faces)
        count = next(row for row in faces.structured_content["evidence"] if row["attribute"] == "face_count")
        assert (count["value"], count["status"]) == (2, "ok")
        shown = [part for part in faces.content if part.type == "image"]
        assert Image.open(io.BytesIO(base64.b64decode(shown[0].data))).format == "JPEG"
        assert "Picture: image 1, with its faces marked." in text(faces)
        records = await client.call_tool("inspect_provenance", {"conversation": talk, "images": ["image 2"]})
        assert "thumbnail" in text(records)
        assert [part.type for part in records.content].count("image") == 2  # the part in the thumbnail and in the photo
        assert all(row["details"] == {} for row in records.structured_content["evidence"])


async def test_asking(desk: Desk, tmp_path: Path) -> None:
    async with Client(make_server(desk)) as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        first = await client.call_tool("ask", {"question": "How many faces are there?", "paths": ["group.jpg"]})
        jsonschema.validate(first.structured_content, schemas["ask"])
        assert "two faces" in text(first)
        talk = first.structured_content["conversation"]
        again = await client.call_tool("ask", {"question": "Which one is larger?", "conversation": talk})
        assert again.structured_content["conversation"] == talk
        assert list((tmp_path / "copies").iterdir()) == []


async def test_a_report(desk: Desk, tmp_path: Path) -> None:
    async with Client(make_server(desk)) as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        sent = {"paths": ["portrait-altered.jpg", "<b>broken.jpg"], "title": "Press"}
        told = await client.call_tool("report", sent)
    jsonschema.validate(told.structured_content, schemas["report"])
    assert told.structured_content["exhibits"][0]["verdict"]["kind"] == "signs_of_alteration"
    assert [failure["name"] for failure in told.structured_content["failures"]] == ["<b>broken.jpg"]
    page = Path(told.structured_content["files"]["html"])
    assert page.is_relative_to(tmp_path / "reports")
    assert "<b>broken" not in page.read_text(encoding="utf-8")
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.parametrize(
    "path", ["../secret.jpg", "link.jpg", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/x"]
)
async def test_nothing_outside_is_read(desk: Desk, path: str) -> None:
    async with Client(make_server(desk)) as client:
        for name, arguments in (("open_photos", {}), ("ask", {"question": "Who?"}), ("report", {})):
            told = await client.call_tool(name, {**arguments, "paths": [path]})
            assert told.is_error
            assert "outside" in text(told) or "no file" in text(told)


async def test_a_wrong_call_is_a_sentence(desk: Desk) -> None:
    async with Client(make_server(desk)) as client:
        talk = await opened(client, "portrait.jpg")
        for name, arguments, told in (
            ("detect_faces", {"conversation": talk, "images": ["image 7"]}, "no image 7"),
            ("detect_faces", {"conversation": talk, "purpose": "research"}, "not valid"),
            ("detect_faces", {"conversation": "0" * 32}, "no conversation"),
            ("detect_faces", {}, "no conversation"),
            ("ask", {"question": "Which expression?", "conversation": talk, "purpose": "research"}, "not valid"),
            ("ask", {"question": ""}, "not valid"),
            ("open_photos", {"paths": ["<b>broken.jpg"]}, "not an image"),
            ("enroll_person", {"conversation": talk, "name": "Ada"}, "no tool"),
            ("nothing", {}, "no tool"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error, (name, text(result))
            assert told in text(result)


async def test_a_purpose_is_stated_by_whoever_starts_the_server(photos: Path, tmp_path: Path) -> None:
    for purpose, status in ((None, "abstained"), ("research", "ok")):
        uploads = Uploads(tmp_path / f"copies-{purpose}")
        desk = Desk(FaceAgent(purpose=purpose), Folders([photos]), uploads)
        async with Client(make_server(desk)) as client:
            talk = await opened(client, "portrait.jpg")
            told = await client.call_tool("recognize_emotion", {"conversation": talk})
            assert {
                row["status"] for row in told.structured_content["evidence"] if "expression" in row["attribute"]
            } == {status}


async def test_text_of_a_file_is_one_printable_line(desk: Desk, photos: Path) -> None:
    (photos / "bad\u202egpj.jpg").write_bytes(hostile_files.talkative())
    async with Client(make_server(desk)) as client:
        talk = await opened(client, "bad\u202egpj.jpg")
        told = await client.call_tool("inspect_provenance", {"conversation": talk})
        everything = json.dumps(told.structured_content, ensure_ascii=False)
        assert "\u202e" not in everything
        assert not any(len(part) > 2000 for part in everything.split('"'))


async def test_over_standard_input_and_output(photos: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "faceagent", "mcp", "--allow", str(photos)],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    async with Client(server, read_timeout_seconds=120) as client:
        told = await client.call_tool("ask", {"question": "How many faces are there?", "paths": ["group.jpg"]})
        assert "two faces" in text(told)
        assert (await client.call_tool("open_photos", {"paths": ["../secret.jpg"]})).is_error


@pytest.fixture
def served(desk: Desk, tmp_path: Path) -> Iterator[tuple[str, KeyFile]]:
    """A server with keys at an address of its own."""
    import uvicorn

    keys = KeyFile(tmp_path / "keys.json")
    keys.add("first")
    listening = socket.create_server(("127.0.0.1", 0))
    app = http_app(make_server(desk), Rules(keys=keys, max_body=2**20))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", keys
    server.should_exit = True
    thread.join()


async def test_over_http_with_keys(served: tuple[str, KeyFile]) -> None:
    address, keys = served
    talks = {}
    for name in ("ada", "bob"):
        headers = {"Authorization": f"Bearer {keys.add(name)}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=120) as transport,
            Client(streamable_http_client(address, http_client=transport)) as client,
        ):
            talks[name] = await opened(client, "group.jpg")
            told = await client.call_tool("detect_faces", {"conversation": talks[name]})
            assert "two faces" in text(told)
            stolen = await client.call_tool("detect_faces", {"conversation": talks["ada"]})
            assert stolen.is_error is (name == "bob")


async def test_http_without_a_key_or_from_a_page(served: tuple[str, KeyFile]) -> None:
    address, keys = served
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accepted = {"Accept": "application/json, text/event-stream"}
    key = {"Authorization": f"Bearer {keys.add('ada')}"}
    async with httpx2.AsyncClient(headers=accepted) as client:
        assert (await client.post(address, json=call)).status_code == 401
        told = await client.post(address, json=call, headers={**key, "Origin": "https://evil.example"})
        assert told.status_code == 403
        large = await client.post(address, json={**call, "params": "x" * 2**21}, headers=key)
        assert large.status_code == 413


def test_http_without_keys_answers_this_machine_alone(desk: Desk) -> None:
    from starlette.testclient import TestClient

    with TestClient(http_app(make_server(desk), Rules()), base_url="http://127.0.0.1:8601") as client:
        call = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accepted = {"Accept": "application/json, text/event-stream"}
        assert client.post("/mcp", json=call, headers={**accepted, "Host": "evil.example"}).status_code == 403
        assert client.post("/mcp", json=call, headers={**accepted, "Origin": "http://evil.example"}).status_code == 403
        assert client.post("/mcp", json=call, headers=accepted).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--http", "0.0.0.0:8601"], "no keys"),
        (["--http", "nowhere"], "no address"),
        (["--purpose", "stalking"], "no purpose"),
    ],
)
def test_the_command_refuses_in_a_sentence(
    photos: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mcp", "--allow", str(photos), *arguments]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""
