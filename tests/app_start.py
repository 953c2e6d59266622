"""How long the app takes to start: `python tests/app_start.py [TIMES]` (default 5), on Linux.

Told in seconds, median of all: until a reader is told that it starts, and until the page itself has been served; by the
clock, and as CPU time of the app, which is about what the clock shows on a core of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

from app_driver import ROOT

READER = {"Accept": "text/html"}


def started() -> tuple[float, float, float, float]:
    """Clock and CPU until the page that says so, clock and CPU until the page."""
    with tempfile.TemporaryDirectory() as data:
        begun = time.perf_counter()
        command = [sys.executable, str(ROOT / "app.py"), "--port", "0", "--data", data]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
            assert app.stdout is not None
            line = app.stdout.readline()
            address = next(word for word in line.split() if word.startswith("http://"))
            urlopen(Request(f"{address}en/", headers=READER)).read()
            told = time.perf_counter() - begun, spent(app.pid)
            urlopen(f"{address}en/ready").read()
            urlopen(Request(f"{address}en/", headers=READER)).read()
            there = time.perf_counter() - begun, spent(app.pid)
            app.terminate()
    return *told, *there


def spent(process: int) -> float:
    """Seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(times: int = 5) -> None:
    starts = [started() for _ in range(times)]
    told, told_cpu, there, there_cpu = (median(column) for column in zip(*starts, strict=True))
    sys.stdout.write(
        f"told that it starts: {told:.1f} s, CPU {told_cpu:.2f} s\nthe page: {there:.1f} s, CPU {there_cpu:.2f} s\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
