"""What it takes to make a report again: command, versions, commit, platform."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import faceagent
from faceagent.types import Reproduction

# Packages whose version can change a figure or a decoded pixel.
PACKAGES = (
    "numpy",
    "pillow",
    "pillow-heif",
    "opencv-python-headless",
    "onnxruntime",
    "dlib-bin",
    "c2pa-python",
    "torch",
)


def reproduction(command: str) -> Reproduction:
    """The record of this machine and this copy of the program."""
    versions = {"faceagent": faceagent.__version__, "python": platform.python_version()}
    versions |= {name: found for name in PACKAGES if (found := _version(name)) is not None}
    return Reproduction(command=command, versions=versions, commit=commit(), platform=platform.platform())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def commit() -> str | None:
    """The git commit of the source tree that runs, "-dirty" added when it was changed since; None when installed."""
    root = Path(faceagent.__file__).resolve().parents[1]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    try:
        told = subprocess.run(
            [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() or None
