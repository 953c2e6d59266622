"""The steps that lead from photos to a network that ships, one command after the other."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Steps = Callable[[Path, Path, Path, Path], list[list[str]]]
"""Recipe, folder of the Parquet files, folder for what is cached, folder for what is made -> commands, each the name of
a module and its arguments."""


def main(about: str | None, package: str, steps: Steps, cached: str) -> int:
    """Run them in order and stop at the first that fails; the exit status.

    Args:
        package: that the modules are in. cached: what --cache will hold.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0] if about else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--cache", type=Path, required=True, help=f"folder for {cached}, made if missing")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, network and card")
    chosen = parser.parse_args()
    for name, *arguments in steps(chosen.recipe, chosen.data, chosen.cache, chosen.out):
        # Each in a process of its own, so that the memory of one is free for the next.
        done = subprocess.run([sys.executable, "-m", f"{package}.{name}", *arguments])
        if done.returncode:
            return done.returncode
    return 0
