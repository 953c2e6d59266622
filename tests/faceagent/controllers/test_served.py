"""The served controller against a small server on loopback: a whole question, and every way to go wrong."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Callable
from typing import Any

import fakes
import pytest
from conftest import EXAMPLES
from openai_server import MODEL, Reply, Request, Served, counting, has_looked, images_of, serving

pytest.importorskip("langchain_openai", reason="the served controller comes with the extra served")

from faceagent.agent import FaceAgent
from faceagent.cli import main
from faceagent.controllers.served import ServedController, connect
from faceagent.errors import ControllerError, FaceAgentError, MissingExtra, UsageError
from faceagent.types import Answer

PROSE = Reply("I see two faces in the picture!")


def prose_after_looking(request: Request) -> Reply:
    """A model that calls the tool and then forgets in which form to answer."""
    return PROSE if has_looked(request) else counting(request)


def ask(answer: Callable[[Request], Reply] | Reply, **options: Any) -> tuple[Answer, Served]:
    """One question about the example with two people, at a server that answers so."""
    with serving(answer if callable(answer) else lambda request: answer) as served:
        controller = connect(f"{served.url}#{MODEL}").model_copy(update=options)
        agent = FaceAgent(controller, tools=fakes.fake_toolbox().values())
        return agent.ask("How many faces?", images=[fakes.photo("group.jpg")]), served


def complaint(reply: Reply | Callable[[Request], Reply]) -> str:
    with pytest.raises(ControllerError) as caught:
        ask(reply)
    return str(caught.value)


def test_a_question_from_photo_to_answer() -> None:
    with serving(counting) as served:
        answer = FaceAgent(controller=served.spec).ask("How many faces?", images=[EXAMPLES / "group.jpg"])
    assert answer.text == "I count 2 faces [e1]."
    assert answer.controller == served.spec
    first = served.requests[0]
    assert [max(picture.size) for picture in images_of(first)] == [576]
    assert first["temperature"] == 0
    assert "detect_faces" in {tool["function"]["name"] for tool in first["tools"]}


def test_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(counting) as served:
        assert main(["ask", str(EXAMPLES / "group.jpg"), "How many?", "--controller", served.spec]) == 0
    assert "I count 2 faces [e1]." in " ".join(capsys.readouterr().out.split())


def test_a_model_of_text_alone_gets_no_photos() -> None:
    answer, served = ask(counting, sees_images=False)
    assert answer.text.startswith("I count 2 faces")
    assert not images_of(served.requests[0])


def test_instead_of_prose_the_form_is_asked_for_once_under_its_schema() -> None:
    def answer(request: Request) -> Reply:
        return counting(request) if "response_format" in request else prose_after_looking(request)

    said, served = ask(answer)
    assert said.text == "I count 2 faces [e1]."
    last = served.requests[-1]
    assert last["response_format"]["json_schema"]["schema"]["title"] == "Draft"
    assert last["tool_choice"] == "none"
    # The tool's observation, the faces that it found as a picture, what was said of them, and the demand.
    assert [message["role"] for message in last["messages"][-4:]] == ["tool", "user", "assistant", "user"]
    assert PROSE.text not in str(last["messages"])


def test_a_server_without_schemas_is_asked_without_one() -> None:
    def answer(request: Request) -> Reply:
        if "response_format" in request:
            return Reply("response_format is not supported", status=400)
        return counting(request) if request.get("tool_choice") == "none" else prose_after_looking(request)

    said, _ = ask(answer)
    assert said.text == "I count 2 faces [e1]."


def test_calls_to_which_a_server_gives_no_id() -> None:
    call = {"type": "function", "function": {"name": "detect_faces", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    nameless = Reply(raw=json.dumps({"model": MODEL, "choices": [choice]}).encode())
    said, served = ask(lambda request: counting(request) if has_looked(request) else nameless)
    assert said.text == "I count 2 faces [e1]."
    called, told = served.requests[-1]["messages"][2:4]
    assert called["tool_calls"][0]["id"] == told["tool_call_id"] == "call_1"


def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *given: 0.0)
    turns = iter([Reply("overloaded", status=503), Reply("slow down", status=429)])
    said, _ = ask(lambda request: next(turns, None) or counting(request))
    assert said.text == "I count 2 faces [e1]."


@pytest.mark.parametrize(
    ("reply", "message", "mend"),
    [
        (Reply("tiny is not a multimodal model", status=400), "tiny does not take images", "vision-language model"),
        (Reply("image input is not supported - hint: mmproj", status=500), "tiny does not take images", "Serve"),
        (
            Reply("At most 1 image(s) may be provided in one prompt.", status=400),
            "takes fewer images in one question than there are",
            "--images",
        ),
        (
            Reply('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', status=400),
            "tiny does not call tools as",
            "tool parser of its family",
        ),
        (Reply("tiny does not support tools", status=400), "tiny does not call tools as", "faceagent serve"),
        (
            Reply("This model's maximum context length is 512 tokens.", status=400),
            "longer than tiny can read at once",
            "--max-length",
        ),
        (
            Reply("Unsupported value: 'temperature' does not support 0 with this model.", status=400),
            "does not let its temperature be set",
            "temperature=None",
        ),
        (Reply("Something else.", status=418), "refused the request (HTTP 418: Something else)", "own log"),
        (Reply("Out of memory.", status=500), "failed (HTTP 500: Out of memory)", "own log"),
        (Reply(raw=b"", status=500), "failed (HTTP 500: it does not say why)", "own log"),
        (Reply(raw=b'{"detail": "No room."}', status=507), "failed (HTTP 507: No room)", "own log"),
        (Reply("no key", status=401), "wants an API key", "FACEAGENT_API_KEY"),
        (Reply(raw=b"<html>Welcome</html>", content_type="text/html"), "is not a chat completion", "OpenAI-compatible"),
        (Reply(raw=b"{not json"), "is not a chat completion", "OpenAI-compatible"),
        (Reply(raw=b"[]"), "is not a chat completion", "OpenAI-compatible"),
        (Reply(raw=b'{"choices": null}'), "is not a chat completion", "OpenAI-compatible"),
        (Reply(raw=b'{"choices": []}'), "is not a chat completion (no choices)", "OpenAI-compatible"),
        (Reply(raw=b'{"error": {"message": "out of memory"}}'), "out of memory", "OpenAI-compatible"),
        (Reply('<tool_call>{"name": "detect_faces"}'), "tiny wrote a tool call that", "tool parser of its family"),
        (Reply('{"name": "detect_faces", "parameters": {}}'), "tiny wrote a tool call that", "larger model"),
        (Reply('{"claims": [', finish="length"), "was cut off at its limit of length", "--max-length"),
        (PROSE, "is not the JSON that was asked for", "embedded"),
    ],
)
def test_what_a_person_is_told(reply: Reply, message: str, mend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *given: 0.0)
    told = complaint(reply)
    assert message in told
    assert mend in told.partition(message)[2]


def test_a_page_of_an_error_is_told_in_one_line() -> None:
    assert len(complaint(Reply("no\n" * 5000, status=418))) < 500


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *given: 0.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ControllerError, match=r"no answer from a server at .* Start one .faceagent serve tiny."):
            connect(f"{url}#tiny").invoke("Hello")


def test_a_silent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        controller = ServedController(model="tiny", base_url=url, api_key="none", timeout=0.05, max_retries=0)
        with pytest.raises(ControllerError, match="did not answer in time"):
            controller.invoke("Hello")


def test_another_model() -> None:
    with serving() as served, pytest.raises(ControllerError, match=r"does not serve a model 'tony'. It serves tiny"):
        connect(f"{served.url}#tony").invoke("Hello")


def test_the_address_of_something_else() -> None:
    with serving() as served, pytest.raises(ControllerError, match=r"not an OpenAI-compatible server.* ends in /v1"):
        connect(f"{served.url.removesuffix('/v1')}#tiny").invoke("Hello")


async def test_a_stream_complains_in_the_same_words() -> None:
    refusal = Reply("tiny is not a multimodal model", status=400)
    with serving(lambda request: refusal) as served:
        controller = connect(served.spec.removeprefix("openai:"))
        with pytest.raises(ControllerError, match="does not take images"):
            list(controller.stream("Hello"))
        with pytest.raises(ControllerError, match="does not take images"):
            await controller.ainvoke("Hello")
        with pytest.raises(ControllerError, match="does not take images"):
            [chunk async for chunk in controller.astream("Hello")]


def test_a_stream_comes_in_pieces() -> None:
    with serving() as served:
        pieces = [chunk.text for chunk in connect(f"{served.url}#{MODEL}").stream("Hello")]
    assert "".join(pieces) == "I am at your service."
    assert len([piece for piece in pieces if piece]) == 5


@pytest.mark.parametrize(
    "address",
    ["", "#tiny", "tiny", "127.0.0.1:8000/v1#tiny", "ftp://here/v1#tiny", "http://[::1#tiny", "http://here:99999/v1#t"],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match=r"openai:http://127.0.0.1:8000/v1#MODEL"):
        connect(address)


def test_an_address_without_a_model() -> None:
    with pytest.raises(UsageError, match="names no model"):
        connect("http://127.0.0.1:8000/v1")


@pytest.mark.parametrize("address", ["http://me:sesame@here/v1#tiny", "http://here/v1?api-key=sesame#tiny"])
def test_a_password_in_the_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(UsageError, match="holds a password or a query") as caught:
        connect(address)
    assert "sesame" not in str(caught.value)


def test_the_key_is_sent_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("FACEAGENT_API_KEY", "sesame-open")
    with caplog.at_level(logging.DEBUG), serving(counting) as served:
        controller = connect(f"{served.url}#{MODEL}")
        controller.invoke("Hello")
        with pytest.raises(FaceAgentError) as caught:
            connect(f"{served.url}#tony").invoke("Hello")
    assert served.headers[0]["authorization"] == "Bearer sesame-open"
    shown = [repr(controller), str(controller), repr(controller._identifying_params), caplog.text, str(caught.value)]
    assert not any("sesame" in text for text in shown)


@pytest.mark.parametrize("variable", ["FACEAGENT_API_KEY", "OPENAI_API_KEY"])
def test_a_key_is_sent_without_its_line_break_or_not_at_all(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "https://api.openai.com/v1#gpt"
    monkeypatch.delenv("FACEAGENT_API_KEY", raising=False)
    monkeypatch.setenv(variable, " sesame\r\n")
    assert connect(address).root_client.api_key == "sesame"
    for key in ("ses\name", "sésame", "\ufeffsesame"):
        monkeypatch.setenv(variable, key)
        with pytest.raises(UsageError, match=f"key in {variable} holds a character") as caught:
            connect(address)
        assert key not in str(caught.value)


def test_photos_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serving(counting) as served:
        assert main(["ask", "--debug", str(EXAMPLES / "group.jpg"), "How many?", "--controller", served.spec]) == 0
    assert caplog.records
    assert "base64" not in caplog.text


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "faceagent.controllers.served")
    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    with pytest.raises(MissingExtra, match=r"pip install 'faceagent\[served\]'"):
        FaceAgent("openai:http://127.0.0.1:8000/v1#tiny", tools=fakes.fake_toolbox().values())


def test_openais_own_key_goes_to_openai_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEAGENT_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sesame-open")
    with serving() as served:
        connect(f"{served.url}#{MODEL}").invoke("Hello")
    assert "sesame" not in served.headers[0]["authorization"]
    assert connect("https://api.openai.com/v1#gpt").root_client.api_key == "sesame-open"
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ControllerError, match="wants an API key"):
        connect("https://api.openai.com/v1#gpt")
