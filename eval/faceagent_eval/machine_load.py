"""Whether other programs kept the machine busy while something was timed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Load:
    """Seconds of all processors since the machine was started. own: of this process and of its ended children."""

    whole: float
    busy: float
    own: float


def reading() -> Load | None:
    """Where the counts stand; None on a system that does not tell (all but Linux)."""
    if not _STAT.is_file():
        return None
    fields = [int(field) for field in _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    # user, nice, system, idle, iowait, irq, softirq, steal: what a host takes away (steal) is gone for us as well.
    ticks = os.sysconf("SC_CLK_TCK")
    idle = fields[3] + fields[4]
    return Load(sum(fields) / ticks, (sum(fields) - idle) / ticks, sum(os.times()[:4]))


def others_since(before: Load | None) -> float | None:
    """The share of the processors' time since then that went to other programs, 0-1."""
    now = reading()
    if before is None or now is None or now.whole <= before.whole:
        return None
    taken = (now.busy - before.busy) - (now.own - before.own)
    return round(min(max(taken / (now.whole - before.whole), 0.0), 1.0), 3)
