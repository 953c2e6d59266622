"""How alike two faces are, on a scale that means the same for all groups of people.

The network packs some groups (above all children and East Asian faces) more closely than others, so that one distance
means different things for different people: at a distance that 1 in 1,000 pairs of different people in LFW reach, 1 in
5 pairs of East Asian women and 1 in 3 of children do (FairFace; `calibrate_compare` prints it). The remedy is score
normalisation against a cohort (after Terhörst et al. 2020, "Post-comparison mitigation of demographic bias in face
recognition using fair score normalization"): two faces are alike by as much as they are closer to each other than each
is to the average faces nearest to it. It needs nobody's group. The cohort holds averages of five or more people's
faces, nobody's own.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent.types import Frozen, Unit
from faceagent_tools.embedding import Embedding

Floats = npt.NDArray[np.float64]
DEFAULT_RATE = 1e-3
Finding = Literal["supported", "not_supported", "undecided"]
TABLE = "compare_dlib.json"
COHORT = "compare_dlib_cohort.npy"


class Line(Frozen):
    """A decision line: the similarity from which on two faces count as one person.

    false_match_rate: share of pairs of different adults of the same perceived race and gender (mean over the groups;
    of the worst group for a strict line) at or above it. mixed_rate: the same among pairs of any two LFW people.
    true_match_rate: share of pairs of one person (LFW) at or above it. groups: false match rate of each.
    """

    false_match_rate: Unit
    strict: bool
    similarity: float
    mixed_rate: Unit
    true_match_rate: Unit
    groups: dict[str, Unit]


class Table(Frozen):
    """What `python -m faceagent_finetune.nets.calibrate_compare` measured; `figures` is for readers only."""

    command: str
    model: str
    model_sha256: str
    detector: str
    seed: int
    nearest: int
    lines: tuple[Line, ...]
    miss_rate: Unit
    """Share of pairs of one person below `different_below`."""
    different_below: float
    intercept: float
    slope: float
    probability_range: tuple[Unit, Unit]
    calibrated_on: str
    genuine_pairs: int
    impostor_pairs: int
    mixed_pairs: int
    group_pairs: dict[str, int]
    smallest_eye_distance: float
    """Pixels; below it the rates do not hold."""
    figures: dict[str, dict[str, float]]

    def line(self, false_match_rate: float, strict: bool = False) -> Line:
        """The line for a stated rate.

        Raises:
            UsageError: it was not calibrated.
        """
        for row in self.lines:
            if row.false_match_rate == false_match_rate and row.strict is strict:
                return row
        kind = "strict false match rate" if strict else "false match rate"
        rates = ", ".join(f"{row.false_match_rate:g}" for row in self.lines if row.strict is strict)
        raise UsageError(f"The {kind} {false_match_rate:g} is not calibrated", f"Use one of {rates}")

    def finding(self, similarity: float, false_match_rate: float, strict: bool = False) -> Finding:
        """What a similarity says.

        Raises:
            UsageError: the rate was not calibrated.
        """
        if similarity >= self.line(false_match_rate, strict).similarity:
            return "supported"
        return "not_supported" if similarity < self.different_below else "undecided"

    def probability(self, similarity: float) -> float:
        """P(one person), if either were equally likely beforehand; held within what the number of pairs can show."""
        low, high = self.probability_range
        return float(np.clip(1 / (1 + np.exp(-(self.intercept + self.slope * similarity))), low, high))


@cache
def table() -> Table:
    """The calibration that ships with the tool."""
    return Table.model_validate_json((files(__package__) / "calibration" / TABLE).read_text(encoding="utf-8"))


@cache
def cohort() -> Floats:
    """The average faces, [K, 128], each of length 1."""
    with (files(__package__) / "calibration" / COHORT).open("rb") as stream:
        return unit(np.load(stream).astype(np.float64))


def unit(vectors: Floats) -> Floats:
    """The same directions with length 1, [..., D]."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def crowding(embeddings: Floats, averages: Floats, nearest: int) -> Floats:
    """Mean cosine of each embedding [N, D] to the `nearest` average faces [K, D] closest to it: [N]."""
    cosines = embeddings @ averages.T
    return np.asarray(np.partition(cosines, -nearest, axis=1)[:, -nearest:].mean(axis=1))


def all_pairs(embeddings: Floats, averages: Floats, nearest: int) -> Floats:
    """The similarity of each of N embeddings of length 1 with each: [N, N]."""
    around = crowding(embeddings, averages, nearest)
    return np.asarray(embeddings @ embeddings.T - (around[:, None] + around[None, :]) / 2)


def similarity(left: Embedding, right: Embedding) -> float:
    """Cosine of two embeddings less the mean crowding around them: about -0.3 (unlike) to 0.1 (one photo)."""
    pair = unit(np.stack([left, right]).astype(np.float64))
    return float(all_pairs(pair, cohort(), table().nearest)[0, 1])
