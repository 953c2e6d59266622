"""`import faceagent` is light, and the surface is what the README promises."""

from __future__ import annotations

import subprocess
import sys

import pytest

import faceagent

HEAVY = ("torch", "transformers", "gradio", "cv2", "dlib", "onnxruntime", "langchain_core", "c2pa", "jinja2", "rich")


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, faceagent; print([name for name in {HEAVY!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [name for name in faceagent.__all__ if name != "__version__"])
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(faceagent, name).__name__ == name
    assert name in dir(faceagent)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Face_Agent"):
        faceagent.Face_Agent  # noqa: B018
