"""Galleries for tests: people with random templates, and processes that work on a gallery until they are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from faceagent.gallery import Consent, Gallery, Key, Model, Person, Template
from faceagent.gallery.records import Vector

MODEL = Model("recogniser", "1")
D = 16
CONSENT = Consent("research", date(2026, 1, 1), statement="She agreed, on paper.")


def key(folder: Path) -> Key:
    return Key.of_file(folder / "gallery.key", create=True)


def opened(folder: Path) -> Gallery:
    """The gallery below a folder, made where it is not there yet, with the key file beside it."""
    return Gallery.open(folder / "gallery", key(folder), create=True)


def vector(seed: int) -> Vector:
    return np.random.default_rng(seed).standard_normal(D).astype(np.float32)


def template(seed: int, model: Model = MODEL) -> Template:
    """A template whose vector and crop can be told from all others by the seed."""
    crop = b"\x89PNG" + np.random.default_rng(seed).bytes(3000)
    return Template(vector(seed), model, crop, f"{seed:064x}", {"eye distance": 60.5})


def enrol(gallery: Gallery, name: str, seeds: Sequence[int]) -> Person:
    return gallery.enroll(name, [template(seed) for seed in seeds], CONSENT)


def on_disk(folder: Path, piece: bytes) -> list[str]:
    """The files of the gallery below a folder that hold these bytes."""
    return [path.name for path in (folder / "gallery").rglob("*") if path.is_file() and piece in path.read_bytes()]


def child(code: str, folder: Path) -> subprocess.Popen[bytes]:
    """A process that runs this code with `gallery` and `enrol` at hand, and what is in this module."""
    start = (
        f"from galleries import *\nfrom pathlib import Path\nfolder = Path({str(folder)!r})\ngallery = opened(folder)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n{start}{code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # what a first readline() had read ahead would be lost to communicate()
    )


def finished(process: subprocess.Popen[bytes]) -> list[str]:
    """What a process said, line by line, once it has ended by itself or was killed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), err.decode()
    return out.decode().splitlines()
