"""How long people wait for the API when many ask at once: a server in a process of its own, asked over HTTP.

Each asker sends a photo of one megapixel that nobody else sends, in the same instant as all others.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np

from faceagent.errors import MissingExtra, ToolError, UsageError
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_eval.benchmarks.speed import QUESTION, another_portrait

ASKERS, ROUNDS = 20, 3
_START = 120.0  # seconds that the server may take to answer


@dataclass(frozen=True)
class Asked:
    """One question. status: of HTTP, 0 where no answer came."""

    status: int
    seconds: float


class ApiLoad(Benchmark[int, Sequence[Asked]]):
    """Needs no data. An item is a number of people who ask a new server at once, after it has loaded its models for
    somebody else."""

    name = "api-load"
    about = "20 people ask the API at once: how long each waits, and whether any fails"
    backends = ("embedded",)

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark api-load takes no data", "Leave --data out")

    def items(self) -> Sequence[int]:
        if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "httpx", "skimage")):
            raise MissingExtra("The benchmark api-load", "dev")
        return [ASKERS] * ROUNDS

    def measure(self, item: int) -> Sequence[Asked]:
        with _server() as address:
            _ask(address, another_portrait(0), threading.Barrier(1))
            photos, ready = [another_portrait(number) for number in range(item)], threading.Barrier(item)
            with ThreadPoolExecutor(item) as people:
                return list(people.map(lambda photo: _ask(address, photo, ready), photos))

    def score(self, measured: Sequence[Sequence[Asked]]) -> Result:
        asked = [one for together in measured for one in together]
        answered = np.array([one.seconds for one in asked if one.status == 200])
        longest = sum(max(one.seconds for one in together) for together in measured)
        failed = [one.status for one in asked if one.status != 200]
        waits = [
            Figure(name=name, value=float(np.percentile(answered, share)), unit="s", n=len(answered))
            for name, share in (("wait, p50", 50), ("wait, p95", 95), ("longest wait", 100))
            if len(answered)
        ]
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{ASKERS} people at once, {ROUNDS} times, a photo of one megapixel each",
            figures=(
                *waits,
                Figure(name="answers a second", value=len(answered) / longest, unit="1/s", n=len(answered)),
                Figure(name="failed", value=len(failed), n=len(asked), note=f"statuses {failed}" if failed else None),
            ),
            notes=(f'Each asks "{QUESTION}", and waits in the queue for a worker; one for each core.',),
            machine=machine(),
            versions=versions("faceagent", "fastapi", "uvicorn", "onnxruntime"),
        )


@contextmanager
def _server() -> Iterator[str]:
    """A server of this machine, from its first answer on; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "faceagent", "api", "--port", str(port), "--rate", "100000", "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                _wait(process, f"{address}/v1/health")
                yield address
            finally:
                process.terminate()


def _wait(process: subprocess.Popen[str], address: str) -> None:
    """Raises:
    ToolError: it ended, or does not answer.
    """
    given_up = time.monotonic() + _START
    while time.monotonic() < given_up:
        if process.poll() is not None:
            told = process.stderr.read().strip() if process.stderr else ""
            raise ToolError(f"The server ended: {told.splitlines()[-1:]}")
        try:
            with urlopen(address, timeout=5):
                return
        except URLError:
            time.sleep(0.1)
    raise ToolError(f"The server did not answer within {_START:.0f} seconds")


def _ask(address: str, photo: bytes, ready: threading.Barrier) -> Asked:
    import httpx

    form: dict[str, Any] = {"data": {"question": QUESTION}, "files": {"files": ("portrait.jpg", photo, "image/jpeg")}}
    with httpx.Client(timeout=600.0) as client:
        ready.wait()
        start = time.monotonic()
        try:
            answer = client.post(f"{address}/v1/ask", **form)
            whole = answer.status_code != 200 or bool(json.loads(answer.text)["answer"]["claims"])
            return Asked(answer.status_code if whole else 0, time.monotonic() - start)
        except httpx.HTTPError:
            return Asked(0, time.monotonic() - start)
