"""`faceagent mcp`: the tools for other assistants, over standard input and output or HTTP."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.cli.console import add_controller, add_limits, add_purpose, complain, limits_of
from faceagent.cli.keys import add_gallery, gallery_if_any
from faceagent.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from faceagent.mcp.folders import Folders
    from faceagent.web.keys import KeyFile

EXAMPLE = """examples:
  faceagent mcp --allow ~/Pictures/press                       (an assistant starts it itself)
  faceagent mcp --allow photos --http 127.0.0.1:8601           (at http://127.0.0.1:8601/mcp)
  faceagent mcp --allow photos --http 0.0.0.0:8601 --keys keys.json"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "mcp",
        parents=[common],
        help="serve the tools to other assistants (MCP)",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--allow",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a folder whose photos and videos may be read, with those below it; repeatable",
    )
    parser.add_argument(
        "--http", metavar="HOST:PORT", help="serve over HTTP there; else over standard input and output"
    )
    parser.add_argument("--keys", type=Path, metavar="FILE", help="API keys (faceagent api key), for --http")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep reports here; else they are only told")
    add_purpose(parser)
    add_gallery(parser)
    add_controller(parser)
    add_limits(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    missing = [name for name in ("mcp", "uvicorn") if find_spec(name) is None]
    if missing:
        raise MissingExtra("The MCP server", "mcp")
    from faceagent.mcp.folders import Folders

    folders = Folders(chosen.allow)
    if chosen.http is None:
        _with_server(chosen, folders, _serve_stdio)
        return 0
    from faceagent.web.hosts import check_host
    from faceagent.web.keys import KeyFile

    host, port = _address(chosen.http)
    keys = KeyFile(chosen.keys) if chosen.keys else None
    check_host(host, keys)
    _with_server(chosen, folders, partial(_serve_http, host=host, port=port, keys=keys))
    return 0


def _with_server(chosen: argparse.Namespace, folders: Folders, serve: Callable[[Any], None]) -> None:
    from faceagent.agent import FaceAgent
    from faceagent.mcp.desk import CHANGES_GALLERY, Desk
    from faceagent.mcp.server import make_server
    from faceagent.tool import Toolbox
    from faceagent.uploads import Uploads

    tools = [tool for tool in Toolbox.installed().values() if tool.name not in CHANGES_GALLERY]
    agent = FaceAgent(
        chosen.controller,
        tools=tools,
        limits=limits_of(chosen),
        purpose=chosen.purpose,
        load_in=chosen.load_in,
        gallery=gallery_if_any(chosen),
    )
    with tempfile.TemporaryDirectory(prefix="faceagent-mcp-") as copies:
        desk = Desk(agent, folders, Uploads(Path(copies) / "files", agent.limits), chosen.out)
        serve(make_server(desk, workers=os.cpu_count() or 1))


def _serve_stdio(server: Any) -> None:
    import anyio

    from faceagent.mcp.server import serve_stdio

    anyio.run(serve_stdio, server)


def _serve_http(server: Any, host: str, port: int, keys: KeyFile | None) -> None:
    import uvicorn

    from faceagent.mcp.server import PATH, http_app
    from faceagent.web.gate import Rules

    app = http_app(server, Rules(keys=keys, per_minute=600, max_body=4 * 2**20))
    complain(f"listening on http://{host}:{port}{PATH}")
    uvicorn.run(app, host=host, port=port, log_level="warning", proxy_headers=False, server_header=False)


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UsageError(f"{given!r} is no address to listen on", "Write it as in --http 127.0.0.1:8601")
    return host.removeprefix("[").removesuffix("]"), int(port)
