"""An end to a training whose loss is no number, before anything of that step is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping

from faceagent.errors import FaceAgentError


class LossNotANumber(FaceAgentError):
    """The loss or the gradient of a step is infinite or not a number."""


def check_finite(step: int, figures: Mapping[str, float], lower: str = "learning_rate") -> None:
    """
    Args:
        figures: of the step, by what they are. lower: what of the recipe may be too high.

    Raises:
        LossNotANumber: one is none.
    """
    for name, value in figures.items():
        if not math.isfinite(value):
            raise LossNotANumber(
                f"The {name} of step {step} is {value}",
                f"Lower {lower}, or raise warmup, and train into another folder; what was kept before is whole, and "
                "can be exported",
            )
