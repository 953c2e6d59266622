"""`faceagent doctor`: what works on this machine, and what an extra would add."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
from typing import Any

from faceagent import __version__
from faceagent.cli.console import say

# What each optional extra brings, in a reader's words.
EXTRAS = {
    "uniface": "published networks for detection, parsing, pose, gaze and recognition",
    "heif": "reads HEIC photos (iPhones)",
    "video": "reads videos",
    "pdf": "writes reports as PDF",
    "local": "a vision-language model on this machine as the controller",
    "served": "a model behind an OpenAI-compatible address as the controller",
    "app": "the app in the browser (faceagent chat)",
    "api": "serves questions and reports to other programs over HTTP",
    "mcp": "serves the tools to assistants that speak MCP",
    "lancedb": "searches galleries of more than some 100,000 photos",
    "keyring": "keeps the gallery's key in the operating system's keyring",
    "ray": "reports on collections by many machines",
    "scale": "reads collections in object stores, and writes findings as Parquet",
    "observe": "metrics for Prometheus and spans for OpenTelemetry",
    "eval": "runs the benchmarks",
    "train": "trains the networks",
    "clip": "trains a forgery detector on CLIP",
    "dev": "runs the tests and checks",
}


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("doctor", parents=[common], help="what works on this machine")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    from faceagent.tool import Toolbox

    say(f"faceagent {__version__}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores\n")
    idle = []
    for tool in Toolbox.installed().values():
        backends = tool.backends()
        chosen_one = next((backend for backend in backends if backend.chosen and backend.here), None)
        if chosen_one is None:
            if all(backend.kind == "published" for backend in backends):
                ways = "; ".join(backend.how for backend in backends if backend.how and not backend.here)
                say(f"○ {tool.name}: needs a download: {ways}")
                continue
            idle.append(tool.name)
            wanted = next((backend for backend in backends if backend.chosen), None)
            say(f"✗ {tool.name}: nothing to run on. {(wanted and wanted.how) or ''}")
            continue
        better = [backend.method.name for backend in backends if backend.kind == "published" and not backend.here]
        say(f"✓ {tool.name}: {chosen_one.method.name}" + (f"; could use {', '.join(better)}" if better else ""))
    say("\nHow to get what could be used: faceagent models\n")
    for extra, what in EXTRAS.items():
        missing = _missing(extra)
        state = "✓ installed" if not missing else f"· not installed (pip install 'faceagent[{extra}]')"
        say(f"extra {extra}: {what}: {state}")
    return 1 if idle else 0


def _missing(extra: str) -> list[str]:
    """The distributions of an extra that are not installed."""
    missing = []
    for requirement in importlib.metadata.requires("faceagent") or []:
        name, _, condition = requirement.partition(";")
        if not re.search(rf"extra\s*==\s*['\"]{extra}['\"]", condition):
            continue
        distribution = re.split(r"[\s<>=!~\[(]", name.strip(), maxsplit=1)[0]
        try:
            importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            missing.append(distribution)
    return missing
