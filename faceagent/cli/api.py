"""`faceagent api`: the assistant for other programs, and `faceagent api key`: who may ask it."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from faceagent.cli.console import add_controller, add_limits, complain, limits_of, positive, say
from faceagent.errors import MissingExtra, UsageError

EXAMPLE = """examples:
  faceagent api                                             (for programs of this machine)
  faceagent api key new --keys keys.json --name newsroom
  faceagent api --host 0.0.0.0 --keys keys.json --data /var/lib/faceagent   (behind a proxy that speaks TLS)"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "api",
        parents=[common],
        help="serve questions and reports to other programs over HTTP",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine)")
    parser.add_argument("--port", type=int, default=8600, help="(default 8600)")
    parser.add_argument("--keys", type=Path, metavar="FILE", help="the API keys; without it only this machine may ask")
    parser.add_argument(
        "--data", type=Path, default=Path("faceagent-api"), metavar="DIR", help="uploads and reports (./faceagent-api)"
    )
    parser.add_argument("--max-upload", type=positive, default=200, metavar="MB", help="largest request (default 200)")
    parser.add_argument("--max-files", type=int, default=20, metavar="N", help="most files of a request (default 20)")
    parser.add_argument(
        "--rate", type=int, default=120, metavar="N", help="requests of a key in a minute (default 120)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="questions at the same time (default: the cores)")
    parser.add_argument("--waiting", type=int, default=64, metavar="N", help="questions that may wait (default 64)")
    parser.add_argument(
        "--keep", type=positive, default=24, metavar="HOURS", help="after which reports are deleted (default 24)"
    )
    parser.add_argument("--audit", type=Path, metavar="FILE", help="log every question and answer here")
    add_controller(parser)
    add_limits(parser)
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(metavar="key")
    _add_keys(actions.add_parser("key", parents=[common], help="make, list or withdraw API keys"))


def _add_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["new", "list", "withdraw"])
    parser.add_argument("id", nargs="?", help="of the key to withdraw")
    parser.add_argument("--keys", type=Path, metavar="FILE", required=True, help="file of the keys, made if need be")
    parser.add_argument("--name", default="", help="who gets it, for you to know")
    parser.add_argument(
        "--purpose", action="append", default=[], metavar="NAME", help="a purpose that its holder may state; repeatable"
    )
    parser.set_defaults(run=run_keys)


def run(chosen: argparse.Namespace) -> int:
    missing = [name for name in ("fastapi", "uvicorn", "python_multipart") if find_spec(name) is None]
    if missing:
        raise MissingExtra("The API", "api")
    import uvicorn

    from faceagent.agent import FaceAgent
    from faceagent.api.app import OPEN, create_app
    from faceagent.api.service import Settings
    from faceagent.audit import AuditLog
    from faceagent.web.gate import Rules
    from faceagent.web.hosts import check_host
    from faceagent.web.keys import KeyFile

    keys = KeyFile(chosen.keys) if chosen.keys else None
    check_host(chosen.host, keys)
    agent = FaceAgent(chosen.controller, load_in=chosen.load_in, audit=AuditLog(chosen.audit) if chosen.audit else None)
    settings = Settings(
        data=chosen.data,
        rules=Rules(keys=keys, per_minute=chosen.rate, max_body=int(chosen.max_upload * 2**20), open=OPEN),
        limits=replace(limits_of(chosen), max_video_bytes=int(chosen.max_upload * 2**20)),
        max_files=chosen.max_files,
        workers=chosen.workers or os.cpu_count() or 1,
        waiting=chosen.waiting,
        keep=timedelta(hours=chosen.keep),
    )
    app = create_app(agent, settings)
    say(f"Listening on http://{chosen.host}:{chosen.port}/v1; its description: /openapi.json. End it with Ctrl-C.")
    if keys is None:
        complain("without keys: every program of this machine may ask, and every user of it")
    # Nobody's word is taken for where a request comes from, and nobody is told what answers.
    uvicorn.run(app, host=chosen.host, port=chosen.port, log_level="warning", proxy_headers=False, server_header=False)
    return 0


def run_keys(chosen: argparse.Namespace) -> int:
    from faceagent.web.keys import KeyFile

    keys = KeyFile(chosen.keys)
    if chosen.action == "new":
        say(keys.add(chosen.name, chosen.purpose))
        complain("this key is shown once, and only its digest is kept")
    elif chosen.action == "list":
        for key in keys.all():
            say(f"{key.id}  {key.created:%Y-%m-%d}  {key.name}  {', '.join(key.purposes) or 'no purpose'}".rstrip())
    elif chosen.id is None:
        raise UsageError("Which key is withdrawn is missing", "Name its id: faceagent api key list")
    else:
        gone = keys.withdraw(chosen.id)
        say(f"The key {gone.id} {gone.name}".rstrip() + " is worth nothing any more.")
    return 0
