"""faceagent: a face-understanding assistant whose every sentence cites its evidence.

>>> from faceagent import FaceAgent
>>> answer = FaceAgent().ask("How many faces are there?", images=["group.jpg"])  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from faceagent.agent import Budget, FaceAgent
    from faceagent.errors import FaceAgentError
    from faceagent.media import Limits, Photo
    from faceagent.session import Session
    from faceagent.types import Answer, Claim, Evidence, Face, Report

__all__ = [
    "Answer",
    "Budget",
    "Claim",
    "Evidence",
    "Face",
    "FaceAgent",
    "FaceAgentError",
    "Limits",
    "Photo",
    "Report",
    "Session",
    "__version__",
]

# Resolved on first use (PEP 562), so that `import faceagent` stays light.
_HOME = {
    "Answer": "faceagent.types",
    "Budget": "faceagent.agent",
    "Claim": "faceagent.types",
    "Evidence": "faceagent.types",
    "Face": "faceagent.types",
    "FaceAgent": "faceagent.agent",
    "FaceAgentError": "faceagent.errors",
    "Limits": "faceagent.media",
    "Photo": "faceagent.media",
    "Report": "faceagent.types",
    "Session": "faceagent.session",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'faceagent' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
