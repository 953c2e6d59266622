"""How likely a photo said to show somebody is genuine, of somebody else, a swap towards the person, or synthesised.

Two kinds of evidence are multiplied. How alike the photo is to the authentic ones, weighed against how alike these are
among each other, by a multinomial logistic regression fitted on people of LFW and on swaps made of them; and the log
odds of a forgery from the pixels (`forensics.ensemble`), at half their weight, because whoever fakes a protected person
need not use a method that was in its calibration. No set of synthesised photos of known people is there to fit on: they
count as being as alike as authentic photos one half of the time, and as alike as swaps the other half.

Somebody who looks alike is as alike as a swap: likeness alone rules an authentic photo out, and accuses nobody. An
imitation is named only where the pixels are a witness to it (`finding`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from faceagent.types import Frozen, Unit
from faceagent_tools.embedding import Embedding
from faceagent_tools.identity import regions
from faceagent_tools.similarity import Floats, unit

TABLE, USUAL = "protected.json", "protected.npz"
KINDS = ("genuine", "other", "swap", "synthesised")
NOT_AUTHENTIC, UNDECIDED = "not_authentic", "undecided"
"""Findings beside `KINDS`: a look-alike or an imitation, and nothing of it all."""
_SURE = 0.5
FEATURES = ("overall", "against_own", "regions")
_MOST = 4.0  # log odds of a forgery beyond which they say nothing more of a method that was not tested


@dataclass(frozen=True, eq=False)
class Portrayed:
    """One face as it is compared. embedding [128]; parts: by `regions.PARTS`, None where it is not in the crop."""

    embedding: Embedding
    parts: Mapping[str, Floats | None]


class RegionLine(Frozen):
    """similarity: from which on a region counts as similar. missed, passed: shares of pairs of photos of one person
    below it, and of two people at or above it."""

    similarity: float
    missed: Unit
    passed: Unit


class Protected(Frozen):
    """What `python -m faceagent_finetune.nets.calibrate_protected` fitted; `figures` is for readers only.

    weights: [3 kinds, features] and intercepts [3] of genuine, other and swap. own: how alike the photos of one person
    usually are, which counts like `own_pairs` pairs beside the person's. forensic_weight: of the log odds of a forgery.
    """

    command: str
    model: str
    model_sha256: str
    calibrated_on: str
    n: int
    weights: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]
    own: float
    own_pairs: int
    forensic_weight: float
    lines: dict[str, RegionLine]
    probability_range: tuple[Unit, Unit]
    figures: dict[str, dict[str, float]]

    def probabilities(self, features: Sequence[float], forgery: float | None) -> dict[str, float]:
        """P of each of `KINDS`, if all were equally likely beforehand.

        Args:
            features: as `compared` gives them. forgery: log odds of a forgery, None where the pixels were not judged.
        """
        scores = np.array(self.weights) @ np.array(features) + np.array(self.intercepts)
        likely = np.exp(scores - scores.max())
        genuine, other, swap = (likely / likely.sum()).tolist()
        odds = 0.0 if forgery is None else self.forensic_weight * float(np.clip(forgery, -_MOST, _MOST))
        forged = float(np.exp(odds))
        found = np.array([genuine, other, swap * forged, (genuine + swap) / 2 * forged])
        low, high = self.probability_range
        return dict(zip(KINDS, np.clip(found / found.sum(), low, high).tolist(), strict=True))


def likeliest(chances: Mapping[str, float]) -> str:
    """The most likely of `KINDS`, a swap and a synthesised picture together against each of the others.

    Which of the two an imitation is, is the lesser question.
    """
    faked = {kind: chances[kind] for kind in KINDS[2:]}
    best = max(KINDS[:2], key=lambda kind: chances[kind])
    return best if chances[best] >= sum(faked.values()) else max(faked, key=lambda kind: faked[kind])


def finding(chances: Mapping[str, float], *, witness: bool) -> str:
    """What may be said: one of `KINDS`, `NOT_AUTHENTIC` or `UNDECIDED`.

    Args:
        chances: of `KINDS`.
        witness: whether the pixels alone would have been called forged. Without, no imitation is named: of the people
            of LFW who look most alike two in three would be called one (`figures` in calibration/protected.json).
    """
    kind = likeliest(chances)
    likely = chances[kind] if kind in KINDS[:2] else sum(chances[one] for one in KINDS[2:])
    if likely > _SURE and (witness or kind in KINDS[:2]):
        return kind
    # Less likely than before anything was compared.
    return NOT_AUTHENTIC if chances["genuine"] < 1 / len(KINDS) else UNDECIDED


@cache
def table() -> Protected:
    """The calibration that ships."""
    return Protected.model_validate_json((files("faceagent_tools") / "calibration" / TABLE).read_text(encoding="utf-8"))


@cache
def usual() -> Mapping[str, Mapping[str, Floats]]:
    """Mean and spread of each part over many people, [128] each."""
    raw = (files("faceagent_tools") / "calibration" / USUAL).read_bytes()
    with np.load(io.BytesIO(raw)) as stored:
        return {
            name: {
                "mean": stored[f"{name}_mean"].astype(np.float64),
                "spread": stored[f"{name}_spread"].astype(np.float64),
            }
            for name in regions.PARTS
        }


def by_region(
    one: Portrayed, others: Sequence[Portrayed], known: Mapping[str, Mapping[str, Floats]]
) -> dict[str, float]:
    """How alike each region of a face is to those of others, on average; regions that are not in both are left out."""
    vectors = unit(np.stack([other.embedding for other in (one, *others)]).astype(np.float64))
    found = {regions.OVERALL: float((vectors[1:] @ vectors[0]).mean())}
    for name in regions.PARTS:
        mine = one.parts[name]
        theirs = [part for other in others if (part := other.parts[name]) is not None]
        if mine is not None and theirs:
            found[name] = float(np.mean([regions.alike(mine, part, known[name]) for part in theirs]))
    return found


def own_likeness(enrolled: Sequence[Portrayed], usual_own: float, weight: int) -> float:
    """How alike the person's authentic photos are among each other, drawn to what is usual where they are few."""
    vectors = unit(np.stack([one.embedding for one in enrolled]).astype(np.float64))
    left, right = np.triu_indices(len(vectors), 1)
    pairs = (vectors @ vectors.T)[left, right]
    return float((pairs.sum() + usual_own * weight) / (pairs.size + weight))


def features(found: Mapping[str, float], own: float) -> list[float]:
    """`FEATURES` of what `by_region` found, on scales of about one."""
    parts = [found[name] for name in regions.PARTS if name in found]
    overall = found[regions.OVERALL]
    return [20 * overall, 20 * (overall - own), 3 * float(np.mean(parts)) if parts else 0.0]
