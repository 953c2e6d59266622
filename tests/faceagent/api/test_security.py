"""Who is let in, what is let in, and what is told of it."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path
from typing import Any

import hostile_files
import pytest

pytest.importorskip("fastapi")

from faceagent.errors import UsageError
from faceagent.web.hosts import check_host
from faceagent.web.keys import KeyFile

from .conftest import PORTRAIT, Make, ended, jpeg, stored

QUESTION = {"question": "How many faces are there?"}


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refused(told: Any, status: int) -> dict[str, Any]:
    """The problem, as RFC 9457 has it."""
    assert told.status_code == status, told.text
    assert told.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = told.json()
    assert problem["status"] == status
    assert problem["instance"] == f"urn:faceagent:request:{told.headers['x-request-id']}"
    return problem


# Who


def test_a_key_is_kept_as_a_digest(keys: KeyFile) -> None:
    key = keys.add("newsroom", ["research"])
    assert key not in keys.path.read_text()
    assert key.split("_", 2)[2] not in keys.path.read_text()
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    holder = keys.holder(key)
    assert holder is not None
    assert (holder.name, holder.purposes) == ("newsroom", ("research",))
    for wrong in ("", key[:-1], f"{key}x", f"fa_{holder.id}_", "fa__", "\ud800", "fa_0123456789ab_" + "x" * 43):
        assert keys.holder(wrong) is None
    with pytest.raises(UsageError, match="stalking"):
        keys.add("x", ["stalking"])


def test_a_damaged_key_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("[]")
    with pytest.raises(UsageError, match="no file of API keys"):
        KeyFile(tmp_path / "keys.json")


def test_without_a_key_nobody_is_answered(make: Make, keys: KeyFile) -> None:
    key = keys.add("newsroom")
    client = make(keys=keys)
    for headers in ({}, bearer("nonsense"), {"Authorization": f"Basic {key}"}, {"Authorization": key}):
        told = client.get("/v1/tools", headers=headers)
        assert refused(told, 401)["mend"]
        assert told.headers["www-authenticate"] == "Bearer"
    assert client.get("/v1/tools", headers=bearer(key)).status_code == 200
    assert client.get("/v1/health").status_code == 200
    assert client.get("/openapi.json").status_code == 200


def test_no_body_is_read_of_whoever_has_no_key(make: Make, keys: KeyFile, tmp_path: Path) -> None:
    keys.add("newsroom")

    def endless() -> Any:
        raise AssertionError("the body was asked for")
        yield b""

    form = {"content-type": "multipart/form-data; boundary=x"}
    refused(make(keys=keys).post("/v1/ask", content=endless(), headers=form), 401)


def test_a_withdrawn_key_is_worth_nothing_at_once(make: Make, keys: KeyFile) -> None:
    key = keys.add("a")
    keys.add("b")
    client = make(keys=keys)
    assert client.get("/v1/jobs", headers=bearer(key)).status_code == 200
    KeyFile(keys.path).withdraw(key.split("_")[1])
    refused(client.get("/v1/jobs", headers=bearer(key)), 401)


def test_two_keys_do_not_see_each_other(make: Make, keys: KeyFile) -> None:
    ada, bob = bearer(keys.add("ada")), bearer(keys.add("bob"))
    client = make(keys=keys)
    job = client.post("/v1/report", files=[jpeg()], headers=ada).json()
    ended(client, job["id"], headers=ada)
    talk = client.post("/v1/ask", data={"question": "Blur the face"}, files=[jpeg()], headers=ada).json()
    assert client.get("/v1/jobs", headers=bob).json() == {"jobs": []}
    made = talk["made"][0]["url"]
    for method, path in (
        ("GET", f"/v1/jobs/{job['id']}"),
        ("GET", f"/v1/jobs/{job['id']}/report.html"),
        ("DELETE", f"/v1/jobs/{job['id']}"),
        ("GET", made),
        ("DELETE", f"/v1/conversations/{talk['conversation']}"),
    ):
        refused(client.request(method, path, headers=bob), 404)
    stolen = {**QUESTION, "conversation": talk["conversation"]}
    refused(client.post("/v1/ask", data=stolen, headers=bob), 404)
    assert client.post("/v1/ask", data=stolen, headers=ada).status_code == 200
    assert client.get(made, headers=ada).status_code == 200


def test_a_key_states_only_the_purposes_that_it_was_given(make: Make, keys: KeyFile) -> None:
    plain, research = bearer(keys.add("plain")), bearer(keys.add("lab", ["research"]))
    client = make(keys=keys)
    asked = {"question": "Which expression does the face have?", "purpose": "research"}
    problem = refused(client.post("/v1/ask", data=asked, files=[jpeg()], headers=plain), 403)
    assert "research" in problem["detail"]
    refused(client.post("/v1/report", data={"purpose": "research"}, files=[jpeg()], headers=plain), 403)
    told = client.post("/v1/ask", data=asked, files=[jpeg()], headers=research)
    assert told.json()["answer"]["purpose"] == "research"


def test_only_this_machine_without_keys(keys: KeyFile) -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        check_host(host, None)
    for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""):
        with pytest.raises(UsageError, match="no keys"):
            check_host(host, None)
    with pytest.raises(UsageError, match="no key in"):
        check_host("0.0.0.0", keys)
    keys.add("newsroom")
    check_host("0.0.0.0", keys)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8600", "[::1", "", "localhost@evil.example"])
def test_another_name_for_this_machine_is_refused(client: Any, host: str) -> None:
    refused(client.get("/v1/tools", headers={"Host": host}), 403)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "file://"])
def test_pages_of_other_sites_are_refused(client: Any, origin: str, tmp_path: Path) -> None:
    refused(client.post("/v1/ask", data=QUESTION, files=[jpeg()], headers={"Origin": origin}), 403)
    assert client.get("/v1/tools", headers={"Origin": "http://127.0.0.1:8600"}).status_code == 200


def test_how_often(make: Make, keys: KeyFile) -> None:
    ada, bob = bearer(keys.add("ada")), bearer(keys.add("bob"))
    client = make(keys=keys, per_minute=3)
    assert [client.get("/v1/jobs", headers=ada).status_code for _ in range(3)] == [200] * 3
    told = client.get("/v1/jobs", headers=ada)
    refused(told, 429)
    assert 1 <= int(told.headers["retry-after"]) <= 20
    assert client.get("/v1/jobs", headers=bob).status_code == 200


# What


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (hostile_files.bomb(), 413),
        (hostile_files.text_bomb(), 422),
        (hostile_files.page(), 415),
        (b"%PDF-1.7", 415),
        (b"#!/bin/sh\nrm -rf /", 415),
        (b"", 422),
        (PORTRAIT[:400], 422),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"#EXTM3U\nfile:///etc/passwd", 415),
        (b"\0\0\0\x18ftypisom" + bytes(64), 422),
    ],
    ids=["bomb", "text bomb", "page", "PDF", "script", "empty", "cut short", "SVG", "playlist", "broken video"],
)
def test_what_a_file_is_its_content_says(client: Any, data: bytes, status: int, tmp_path: Path) -> None:
    told = client.post("/v1/ask", data=QUESTION, files=[jpeg(), jpeg(data, "holiday.jpg", "image/jpeg")])
    problem = refused(told, status)
    assert "holiday.jpg" in problem["detail"]
    assert str(tmp_path) not in told.text
    assert stored(tmp_path) == []


def test_a_wrong_type_is_not_believed(client: Any) -> None:
    told = client.post("/v1/ask", data=QUESTION, files=[jpeg(PORTRAIT, "notes.txt", "text/html")])
    assert told.json()["answer"]["exhibits"][0]["format"] == "JPEG"


def test_a_polyglot_is_the_photo_that_it_is(client: Any) -> None:
    told = client.post("/v1/report", files=[jpeg(hostile_files.polyglot(), "both.html")])
    job = ended(client, told.json()["id"])
    assert "alert(1)" not in client.get(job["report"]["html"]).text


@pytest.mark.parametrize("name", [name for name in hostile_files.NAMES if name])
def test_a_name_is_shown_and_never_a_path(client: Any, name: str, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    told = client.post("/v1/ask", data=QUESTION, files=[jpeg(PORTRAIT, name)])
    assert told.status_code == 200
    assert len(told.json()["answer"]["exhibits"][0]["name"]) <= 255
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_text_of_a_file_is_shown_as_text(client: Any) -> None:
    told = client.post("/v1/report", files=[jpeg(hostile_files.talkative(), "<script>alert(2)</script>.jpg")])
    page = client.get(ended(client, told.json()["id"])["report"]["html"]).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(2)" in page


def test_nothing_but_files_is_opened(client: Any, tmp_path: Path) -> None:
    """A path or an address in a field is text: the file that it names is no part of the answer."""
    for value in ("/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/x.jpg"):
        told = client.post("/v1/ask", data={**QUESTION, "files": value})
        refused(told, 422)
        told = client.post("/v1/ask", data={"question": f"How many faces are there in {value}?"})
        assert told.json()["answer"]["status"] == "needs_photo"
    for path in ("../../etc/passwd", "%2e%2e%2fjob", "..%5c..%5cjob", "0" * 32 + "/../../../etc/passwd"):
        assert client.get(f"/v1/jobs/{path}/report.json").status_code in (404, 422)


def test_how_much(make: Make, tmp_path: Path) -> None:
    client = make({"max_files": 2}, max_body=2**20)
    problem = refused(client.post("/v1/ask", data=QUESTION, files=[jpeg()] * 3), 413)
    assert "over the limit of 2" in problem["detail"]
    refused(client.post("/v1/ask", data=QUESTION, files=[jpeg(bytes(2**21))]), 413)

    sent = []

    def unannounced() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        for piece in range(64):
            sent.append(piece)
            yield bytes(2**17)

    refused(
        client.post("/v1/ask", content=unannounced(), headers={"content-type": "multipart/form-data; boundary=x"}), 413
    )
    assert stored(tmp_path) == []


def test_a_huge_header(client: Any) -> None:
    refused(client.get("/v1/tools", headers={"X-Long": "x" * 20_000}), 431)


def test_a_body_that_is_no_form(client: Any) -> None:
    refused(client.post("/v1/ask", json={"question": "How many?"}), 415)
    refused(client.post("/v1/ask", content=b"junk", headers={"content-type": "multipart/form-data"}), 400)
    junk = {"content-type": "multipart/form-data; boundary=x"}
    refused(client.post("/v1/ask", content=b"--y\r\n\r\njunk", headers=junk), 400)


def test_what_is_wrong_is_named_and_not_repeated(client: Any) -> None:
    secret = "my-secret-question" * 200
    problem = refused(client.post("/v1/ask", data={"question": secret}), 422)
    assert problem["faults"][0]["place"] == "body.question"
    assert "my-secret" not in json.dumps(problem)
    for question in ("", "   "):
        refused(client.post("/v1/ask", data={"question": question}), 422)


def test_paths_and_methods_that_do_not_exist(client: Any) -> None:
    refused(client.get("/v1/nothing"), 404)
    told = client.put("/v1/ask")
    refused(told, 405)
    assert told.headers["allow"] == "POST"
    for page in ("/docs", "/redoc"):
        refused(client.get(page), 404)


def test_an_error_of_ours_tells_nothing(client: Any, monkeypatch: Any, caplog: Any) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/home/somebody/secret.py is broken")

    monkeypatch.setattr(client.app.state.service.jobs, "list", broken)
    with caplog.at_level(logging.ERROR):
        told = client.get("/v1/jobs")
    problem = refused(told, 500)
    assert "secret" not in told.text
    assert told.headers["x-request-id"] in problem["mend"]
    assert told.headers["x-request-id"] in caplog.text


def test_every_response_has_its_headers(client: Any) -> None:
    for told in (client.get("/v1/health"), client.get("/v1/nothing"), client.get("/v1/tools", headers={"Host": "x"})):
        assert told.headers["x-content-type-options"] == "nosniff"
        assert told.headers["cache-control"] == "no-store"
        assert told.headers["content-security-policy"].startswith("default-src 'none'")
