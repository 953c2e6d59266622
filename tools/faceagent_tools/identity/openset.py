"""Open-set identification: from which likeness on is somebody named, in a gallery of so many templates?

A stranger who is looked up is compared with every template, so that one of them is the more alike, the more there are.
The line therefore moves with the gallery's size: at it, of people who are not enrolled at most the stated share gets a
name (false-positive identification rate, ISO/IEC 19795-1). The probability weighs all candidates against each other
and against nobody of them, who is as likely beforehand as all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from faceagent.errors import UsageError
from faceagent.types import Frozen, Unit
from faceagent_tools.similarity import Floats

TABLE = "identity.json"
DEFAULT_RATE = 1e-2
ENROLLED = 0.5
"""Share of those looked up who are enrolled, as the probability presumes."""


class Size(Frozen):
    """Lines measured with galleries of one size. lines: similarity by false-positive identification rate."""

    templates: int
    lines: dict[str, float]


class OpenSet(Frozen):
    """What `python -m faceagent_finetune.nets.calibrate_identity` measured; `figures` is for readers only.

    tail: intercept and slope of the log of the share of pairs of two people that reach a similarity, beyond the
    measured sizes. pair_intercept, pair_slope: log likelihood ratio of one person over two, of a similarity.
    """

    command: str
    model: str
    model_sha256: str
    calibrated_on: str
    people: int
    photos: int
    sizes: tuple[Size, ...]
    tail: tuple[float, float]
    pair_intercept: float
    pair_slope: float
    probability_range: tuple[Unit, Unit]
    genuine_pairs: int
    impostor_pairs: int
    figures: dict[str, dict[str, float]]

    @property
    def largest(self) -> int:
        """Templates of the largest gallery measured; the line of a larger one is extrapolated."""
        return self.sizes[-1].templates

    def line(self, templates: int, rate: float = DEFAULT_RATE) -> float:
        """The similarity from which on somebody is named.

        Args:
            templates: how many there are, at least one.
            rate: share of strangers that may get a name.

        Raises:
            UsageError: the rate was not calibrated.
        """
        key = f"{rate:g}"
        if key not in self.sizes[0].lines:
            raise UsageError(
                f"The false-positive identification rate {key} is not calibrated",
                f"Use one of {', '.join(self.sizes[0].lines)}",
            )
        measured = [size.lines[key] for size in self.sizes]
        if templates > self.largest:
            # As the tail falls, so much the line rises.
            return measured[-1] + math.log(templates / self.largest) / -self.tail[1]
        counts = np.log([size.templates for size in self.sizes])
        return float(np.interp(math.log(max(templates, 1)), counts, measured))

    def probabilities(self, similarities: Sequence[float], people: int) -> list[float]:
        """P(the face is this candidate's) for the best candidates of a gallery; the others count as quite unlike.

        Args:
            similarities: one for each candidate.
            people: how many are enrolled.
        """
        ratios = np.exp(self.pair_intercept + self.pair_slope * np.array(similarities)) * ENROLLED / max(people, 1)
        low, high = self.probability_range
        return [float(np.clip(ratio, low, high)) for ratio in ratios / (1 - ENROLLED + ratios.sum())]


@cache
def table() -> OpenSet:
    """The calibration that ships."""
    return OpenSet.model_validate_json((files("faceagent_tools") / "calibration" / TABLE).read_text(encoding="utf-8"))


def likeliest(similarities: Floats) -> float:
    """How alike a face is to a person of whom there are several templates: as the most alike of them."""
    return float(similarities.max())
