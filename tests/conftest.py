"""Real photos for all tests: the NASA portrait that scikit-image ships, and the examples of this repository."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
import skimage.data
from hypothesis import settings
from PIL import Image

from faceagent.media import Photo
from faceagent_tools import weights
from faceagent_tools.forensics import clip

CACHE = weights.cache_folder()
"""Where models that were downloaded lie. Tests see none of them unless they ask: results would differ by machine."""
EXAMPLES = Path(__file__).parents[1] / "examples"


def pytest_configure() -> None:
    os.environ["FACEAGENT_CACHE"] = str(CACHE / "no such folder")
    settings.register_profile("no deadline", deadline=None)  # how fast an example runs depends on what else does
    settings.load_profile("no deadline")


@pytest.fixture
def clip_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIP's weights, where `faceagent models get clip-vit-b16` has brought them."""
    monkeypatch.setenv("FACEAGENT_CACHE", str(CACHE))
    if weights.find(clip.WEIGHTS) is None:
        pytest.skip("faceagent models get clip-vit-b16")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Of processes that share the cores, each computes in one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def portrait() -> Photo:
    """One face, 512 x 512."""
    return Photo.open(skimage.data.astronaut(), name="astronaut")


@pytest.fixture(scope="session")
def group() -> Photo:
    """Two faces."""
    return Photo.open(EXAMPLES / "group.jpg")


@pytest.fixture(scope="session")
def faceless() -> Photo:
    """A cup of coffee."""
    return Photo.open(skimage.data.coffee(), name="coffee")


def as_jpeg(photo: Photo, *, quality: int = 90, **options: object) -> bytes:
    """The photo's pixels as a fresh JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(photo.pixels).save(buffer, "JPEG", quality=quality, **options)
    return buffer.getvalue()
