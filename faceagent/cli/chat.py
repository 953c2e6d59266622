"""`faceagent chat`: the app in the browser."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from faceagent.addresses import is_loopback
from faceagent.cli.console import add_controller, add_limits, add_purpose, limits_of, say
from faceagent.cli.keys import add_gallery, gallery_if_any
from faceagent.errors import UsageError

PORT = 7860


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("chat", parents=[common], help="the app in the browser")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine)")
    parser.add_argument("--port", type=int, default=PORT, help=f"(default {PORT}; 0: any that is free)")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.add_argument(
        "--auth",
        type=Path,
        metavar="FILE",
        help="who may use it, a line each: name:password. Needed where --host is not this machine; nothing is ever "
        "shared through a tunnel",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where conversations and uploads are kept (default: the user's own)"
    )
    add_controller(parser)
    add_purpose(parser)
    add_gallery(parser)
    add_limits(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    from faceagent.app.desk import Desk, Settings
    from faceagent.app.server import passwords_of, serve
    from faceagent.policy import purpose

    if not chosen.auth and not is_loopback(chosen.host):
        raise UsageError(
            f"Whoever reaches {chosen.host} could read every conversation", "Name a file of passwords with --auth"
        )
    if chosen.purpose is not None:
        purpose(chosen.purpose)
    passwords = passwords_of(chosen.auth) if chosen.auth else None
    gallery = gallery_if_any(chosen)
    with gallery or nullcontext():
        settings = Settings(
            folder=chosen.data or data_folder(),
            controller=chosen.controller,
            load_in=chosen.load_in,
            purpose=chosen.purpose,
            limits=limits_of(chosen),
            gallery=gallery,
            shared=passwords is not None,
        )

        def ready(address: str) -> None:
            say(f"faceagent is at {address} (stop it with Ctrl+C)")
            if chosen.open:
                webbrowser.open(address)

        serve(Desk.of(settings), chosen.host, chosen.port, passwords=passwords, ready=ready)
    return 0


def data_folder() -> Path:
    """Where this user's programs keep their data (XDG on Linux)."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "faceagent"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "faceagent"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "faceagent"
