"""The app as a web server: one page a language, built when it is first asked for, behind a small front door.

The front door listens before Gradio is imported, so that the address answers at once: until its page is made, a reader
is told that the app is starting. It turns away requests by other host names (DNS rebinding), asks for a password where
there are some, and forbids the page everything from elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import importlib.util
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.addresses import is_loopback
from faceagent.errors import MissingExtra, UsageError
from faceagent.messages import LANGUAGES, preferred

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

    from faceagent.app.desk import Desk

    Asgi = Any

# Gradio's own script needs inline code and styles; what matters is that nothing comes from or goes elsewhere.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="#1f4f8f" stroke-width="3">'
    '<path d="M3 10V3h7M22 3h7v7M29 22v7h-7M10 29H3v-7"/><ellipse cx="16" cy="16" rx="6" ry="8"/></svg>'
)
USER = "faceagent.user"
_PARTING = 2  # seconds: pages that are open hold a connection, and the program ends all the same
_SLOW = 0.5  # seconds that a wrong password costs


def serve(desk: Desk, host: str, port: int, *, passwords: Mapping[str, str] | None = None, ready: Any = None) -> None:
    """Serve the app until it is interrupted.

    Args:
        passwords: by name of who may use it; None lets everybody in who reaches the address.
        ready: called with the address once it is listened on.

    Raises:
        MissingExtra: the extra `app` is not installed.
        UsageError: the address cannot be listened on, or the app's folder cannot be made.
    """
    if any(importlib.util.find_spec(name) is None for name in ("gradio", "uvicorn")):
        raise MissingExtra("The app", "app")
    import uvicorn

    listener = _bound(host, port)
    with contextlib.closing(listener):
        application = front_door(desk, passwords, host)
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=_PARTING
        )
        if ready is not None:
            ready(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"The address {host}:{port} cannot be listened on ({error.strerror or error})", "Choose another with --port"
        ) from error


def front_door(desk: Desk, passwords: Mapping[str, str] | None = None, host: str = "127.0.0.1") -> Starlette:
    """The app as an ASGI application.

    Raises:
        UsageError: the app's folder cannot be made.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import RedirectResponse, Response
    from starlette.routing import Mount, Route

    from faceagent.app.desk import UPLOADS_KEPT
    from faceagent.uploads import purge_tree

    # Gradio reads this while it is imported: uploads go to a folder of their owner's alone.
    os.environ["GRADIO_TEMP_DIR"] = str(desk.folder("uploads"))
    # While it runs Gradio purges what it wrote (`page.KEPT`); this is what a run that was killed has left.
    purge_tree(desk.folder("uploads"), UPLOADS_KEPT)
    building = asyncio.Lock()  # Gradio builds one page at a time: what is being built is a global of its own
    pages = {code: Page(replace(desk, language=code), building) for code in LANGUAGES}

    def home(request: Request) -> Response:
        wanted = request.cookies.get("language", "")
        code = wanted if wanted in LANGUAGES else preferred(request.headers.get("accept-language", ""))
        return RedirectResponse(f"/{code}/", headers={"Vary": "Accept-Language, Cookie"})

    def icon(_: Request) -> Response:
        return Response(ICON, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        first = asyncio.create_task(pages["en"].ready())
        yield
        first.cancel()
        for page in pages.values():
            await page.close()
        await asyncio.to_thread(desk.seat.close)

    # A name that is not this machine's own is somebody else's page that was pointed here.
    hosts = ["localhost", "127.0.0.1", "[::1]", "testserver"] if is_loopback(host) else ["*"]
    return Starlette(
        routes=[
            Route("/", home),
            Route("/favicon.ico", icon),
            *(Mount(f"/{code}", page) for code, page in pages.items()),
        ],
        middleware=[
            Middleware(Guarded, passwords=passwords),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        ],
        lifespan=lifespan,
    )


class Page:
    """The page in one language, as an ASGI application that is built at its first request."""

    def __init__(self, desk: Desk, building: asyncio.Lock) -> None:
        self.desk = desk
        self._lock = building
        self._stack = contextlib.AsyncExitStack()
        self._app: Asgi | None = None

    async def ready(self) -> Asgi:
        if self._app is not None:
            return self._app
        async with self._lock:
            if self._app is None:
                app = await asyncio.to_thread(_mounted, self.desk)
                await self._stack.enter_async_context(app.router.lifespan_context(app))
                self._app = app
            return self._app

    async def close(self) -> None:
        await self._stack.aclose()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None and _is_readers(scope):
            await self._starting(scope, receive, send)
            return
        app = await self.ready()
        if _within(scope) == "/ready":
            await _ready(scope, receive, send)
        else:
            await app(scope, receive, send)

    async def _starting(self, scope: Any, receive: Any, send: Any) -> None:
        """A page that says so, and loads itself anew when the one asked for is made."""
        from starlette.responses import HTMLResponse

        from faceagent.app.text import render

        page = HTMLResponse(render(self.desk, "starting.html.j2"), headers={"Cache-Control": "no-store"})
        await page(scope, receive, send)


def _within(scope: Any) -> str:
    """The path below where a page is mounted."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _is_readers(scope: Any) -> bool:
    """Whether somebody opens the page in a browser, and not a script or the page itself."""
    if scope["type"] != "http" or scope["method"] != "GET" or _within(scope) != "/":
        return False
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


async def _ready(scope: Any, receive: Any, send: Any) -> None:
    from starlette.responses import Response

    await Response(status_code=204, headers={"Cache-Control": "no-store"})(scope, receive, send)


def _mounted(desk: Desk) -> Asgi:
    from faceagent.app.lean import lean

    with lean():
        return _built(desk)


def _built(desk: Desk) -> Asgi:
    import gradio
    from fastapi import FastAPI

    from faceagent.app import page
    from faceagent.app.apart import keep_apart

    keep_apart()
    private = [str(desk.folder(name)) for name in ("conversations", "reports", "report-files", "gallery")]
    return gradio.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page.build(desk),
        path="/",
        footer_links=[],
        run_history=False,
        auth_dependency=lambda request: request.scope.get(USER),
        blocked_paths=private,
        show_error=False,
        max_file_size=max(desk.settings.limits.max_bytes, min(desk.settings.limits.max_video_bytes, 2**31)),
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=page.theme(),
        css=page.style(),
        head=page.head(desk),
    )


class Guarded:
    """Puts the security headers on every answer and asks for name and password (HTTP Basic) where there are some."""

    def __init__(self, app: Asgi, passwords: Mapping[str, str] | None) -> None:
        self._app = app
        self._digests = None if passwords is None else {name: _digest(word) for name, word in passwords.items()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope[USER] = "local" if self._digests is None else self._user(scope)

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.lower() != b"server"]
                message["headers"] = [*kept, *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        if scope[USER] is None:
            await _refused(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _user(self, scope: Any) -> str | None:
        header = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, packed = header.partition(b" ")
        try:
            name, _, word = base64.b64decode(packed).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        known = (self._digests or {}).get(name, b"")
        return name if secrets.compare_digest(known, _digest(word)) and scheme.lower() == b"basic" else None


async def _refused(scope: Any, receive: Any, send: Any) -> None:
    from starlette.responses import PlainTextResponse

    if any(name == b"authorization" for name, _ in scope["headers"]):
        await asyncio.sleep(_SLOW)
    asked = {"WWW-Authenticate": 'Basic realm="faceagent", charset="UTF-8"'}
    response = PlainTextResponse("Name and password are needed.", status_code=401, headers=asked)
    await response(scope, receive, send)


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()


def passwords_of(file: Path) -> dict[str, str]:
    """Passwords by name, from a file of lines "name:password".

    Raises:
        UsageError: it cannot be read, or holds none or something else.
    """
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The passwords in {file} cannot be read ({error})", "Check the path") from error
    pairs = [line.partition(":") for line in lines]
    if not pairs or any(not name or not word for name, _, word in pairs):
        raise UsageError(f"{file} holds no names and passwords", "Write one to a line, as in ada:a-long-password")
    return {name: word for name, _, word in pairs}
