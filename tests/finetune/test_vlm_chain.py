"""Labelled photos -> corpus -> training -> export -> the controller that answers, on a tiny model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")

from langchain_core.messages import HumanMessage  # noqa: E402 - after the skip

from faceagent.agent import Budget, FaceAgent  # noqa: E402
from faceagent.controllers import make_controller  # noqa: E402
from faceagent.controllers.pictures import photo_blocks  # noqa: E402
from faceagent.media import Photo  # noqa: E402
from faceagent.session import Session  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.vlm.run import Run  # noqa: E402

from .conftest import recipe_in  # noqa: E402


def tuned(folder: Path, tiny: Path, conversations: Path, method: str, **given: Any) -> Path:
    out = folder / f"run-{method}"
    recipe = recipe_in(folder, method, **given)
    command = ["train", str(recipe), "--model", str(tiny), "--corpus", str(conversations), "--out", str(out)]
    assert main(command) == 0
    return out
