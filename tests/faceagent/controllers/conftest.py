"""One tiny vision-language model for all tests of the local controller. Without the extra `local` they are skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_vlm


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that nobody trained."""
    for package in ("torch", "transformers", "llguidance", "peft"):
        pytest.importorskip(package, reason="needs the extra local")
    return tiny_vlm.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def local(tiny: Path) -> Any:
    """The controller over it. Its turns are kept short."""
    from faceagent.controllers.local import LocalController
    from faceagent.controllers.local_model import load

    return LocalController(model=load(str(tiny)), max_tokens=400)
