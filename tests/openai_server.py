"""A small OpenAI-compatible server on loopback: the one seam at which a served model is faked.

It speaks the chat-completions protocol (JSON and server-sent events, tool calls, images, token counts) and lists its
model. What it says is a function from the request to a `Reply`; the default one obeys tool_choice, response_format and
a request to use a tool, as an obliging model would.
"""

from __future__ import annotations

import base64
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from PIL import Image

Request = dict[str, Any]
MODEL = "tiny"


@dataclass
class Reply:
    """One answer. A `status` other than 200 sends `text` as the error's message; `raw` is sent as it is."""

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    status: int = 200
    raw: bytes | None = None
    content_type: str = "application/json"
    finish: str | None = None


@dataclass
class Served:
    """A running server: its address, and what was asked of it."""

    url: str
    requests: list[Request] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def spec(self) -> str:
        """As `--controller` takes it."""
        return f"openai:{self.url}#{MODEL}"


@contextmanager
def serving(answer: Callable[[Request], Reply] | None = None) -> Iterator[Served]:
    """A server for as long as the block runs."""
    served = Served("")
    handler = type("Handler", (_Handler,), {"served": served, "answer": staticmethod(answer or oblige)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def images_of(request: Request) -> list[Image.Image]:
    """The pictures in a request, decoded from their data URLs."""
    parts = [
        part for message in request["messages"] if isinstance(message["content"], list) for part in message["content"]
    ]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]


def oblige(request: Request) -> Reply:
    """What a model would say that does as it is told."""
    text, form = _words(request["messages"][-1]), request.get("response_format")
    if form:
        schema = form.get("json_schema", {}).get("schema") or {"properties": {"setup": {}, "punchline": {}}}
        return Reply(json.dumps(_instance(schema, text)))
    tools = {tool["function"]["name"]: tool["function"] for tool in request.get("tools", ())}
    choice = request.get("tool_choice", "auto")
    asked = request["messages"][-1]["role"] == "user"
    fitting = [name for name in tools if asked and choice == "auto" and any(word in text for word in name.split("_"))]
    named = (
        [choice["function"]["name"]] if isinstance(choice, dict) else list(tools) if choice == "required" else fitting
    )
    if named:
        tool = tools[named[0]]
        return Reply(calls=[(tool["name"], _instance(tool["parameters"], text))])
    return Reply("I am at your service.")


def counting(request: Request) -> Reply:
    """What an honest model would say when asked how many faces there are: a tool call, then the tool's count."""
    told = [message["content"] for message in request["messages"] if message["role"] == "tool"]
    if not told:
        return Reply(calls=[("detect_faces", {"images": ["image 1"]})])
    rows = [row for text in told for line in text.splitlines() for row in json.loads(line)["evidence"]]
    row = next(row for row in rows if row["attribute"] == "face_count")
    claim = {
        "sentence": f"I count {row['value']} faces.",
        "subject": row["subject"],
        "attribute": "face_count",
        "value": row["value"],
        "evidence": [row["id"]],
    }
    return Reply(json.dumps({"claims": [claim]}))


def has_looked(request: Request) -> bool:
    """Whether a tool has answered already."""
    return any(message["role"] == "tool" for message in request["messages"])


def _words(message: dict[str, Any]) -> str:
    content = message["content"] or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _instance(schema: dict[str, Any], text: str, defs: dict[str, Any] | None = None) -> Any:
    """Something that a JSON schema allows, with the numbers and the quoted words of `text` where it wants some."""
    defs = schema.get("$defs", defs or {})
    if "$ref" in schema:
        return _instance(defs[schema["$ref"].rpartition("/")[2]], text, defs)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _instance(schema[key][0], text, defs)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        return {name: _instance(of, text, defs) for name, of in schema.get("properties", {}).items()}
    if kind in ("integer", "number"):
        return next((int(number) for number in re.findall(r"\d+", text)), 0)
    plain: dict[str, Any] = {"boolean": True, "array": [], "null": None}
    return plain.get(kind, next(iter(re.findall(r"['\"](.+)['\"]", text)), "words"))


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Served]
    answer: ClassVar[Callable[[Request], Reply]]

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(200, json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode())
        else:
            self._send(404, b"<h1>Not found</h1>", "text/html")

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            return self._send(404, b"<h1>Not found</h1>", "text/html")
        self.served.requests.append(request)
        self.served.headers.append({name.lower(): value for name, value in self.headers.items()})
        if request["model"] != MODEL:
            return self._fail(404, f"The model `{request['model']}` does not exist.")
        reply = self.answer(request)
        if reply.raw is not None:
            return self._send(reply.status, reply.raw, reply.content_type)
        if reply.status != 200:
            return self._fail(reply.status, reply.text)
        if not request.get("stream"):
            return self._send(200, json.dumps(_completion(reply)).encode())
        events = [json.dumps(event) for event in _events(reply)] + ["[DONE]"]
        return self._send(200, "".join(f"data: {event}\n\n" for event in events).encode(), "text/event-stream")

    def _fail(self, status: int, message: str) -> None:
        self._send(status, json.dumps({"error": {"message": message, "type": "error", "code": status}}).encode())

    def _send(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "index": place,
            "id": f"call_{place}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for place, (name, arguments) in enumerate(reply.calls)
    ]


def _envelope(kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "chat-1", "object": kind, "created": 0, "model": MODEL, "choices": choices, **more}


def _completion(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return _envelope("chat.completion", [choice], usage=_USAGE)


def _events(reply: Reply) -> Iterator[dict[str, Any]]:
    """The same in pieces: words one by one, a call's arguments in two halves."""
    for word in re.findall(r"\S+\s*", reply.text):
        yield _delta(role="assistant", content=word)
    for call in _calls(reply):
        whole = call["function"]["arguments"]
        first, second = whole[: len(whole) // 2], whole[len(whole) // 2 :]
        yield _delta(role="assistant", tool_calls=[{**call, "function": {**call["function"], "arguments": first}}])
        yield _delta(tool_calls=[{"index": call["index"], "function": {"arguments": second}}])
    yield _envelope("chat.completion.chunk", [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}])
    yield _envelope("chat.completion.chunk", [], usage=_USAGE)


def _delta(**delta: Any) -> dict[str, Any]:
    return _envelope("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": None}])


def _finish(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")
