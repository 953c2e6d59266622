"""Training of the small network behind assess_quality's occlusion cue, on covers drawn over FairFace crops.

Part of `calibrate_quality`, which describes it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent.types import GroupError
from faceagent_finetune.nets.photo_covers import COVERS, covered
from faceagent_finetune.nets.photo_damage import everyday
from faceagent_tools import quality_measures as measures
from faceagent_tools.quality_table import Line, Occlusion, OcclusionNet

Floats = npt.NDArray[np.float32]

HIDDEN = 20
COVERED, FREE = 0.5, 0.1
"""A zone counts as covered above the first share, as free below the second, and is left out in between."""
ALARMS = 0.02
ZONES = ("eyes", "mouth")


@dataclass(frozen=True)
class Examples:
    """features [N, 825]; zones [N, 2]: covered share of eyes and mouth; kinds [N]: "none" or a key of COVERS."""

    features: Floats
    zones: Floats
    kinds: npt.NDArray[np.str_]


def examples(chips: Sequence[Pixels], rng: np.random.Generator, free_each: int = 3) -> Examples:
    """Each face several times as it is and once under each kind of cover, all with everyday damage and mirrored at
    random."""
    features, zones, kinds = [], [], []
    for chip in chips:
        side = chip[:, ::-1] if rng.random() < 0.5 else chip
        for _ in range(free_each):
            features.append(measures.occlusion_features(everyday(side, rng)))
            zones.append((0.0, 0.0))
            kinds.append("none")
        for kind in COVERS:
            drawn, eyes, mouth = covered(side, kind, rng, chips[int(rng.integers(len(chips)))])
            features.append(measures.occlusion_features(everyday(drawn, rng)))
            zones.append((eyes, mouth))
            kinds.append(kind)
    return Examples(np.array(features, np.float32), np.array(zones, np.float32), np.array(kinds))


def train(data: Examples) -> dict[str, Floats]:
    """The arrays of `OcclusionNet`, as half-precision floats."""
    from sklearn.neural_network import MLPClassifier

    unsure = np.any((data.zones >= FREE) & (data.zones <= COVERED), axis=1)
    features, targets = data.features[~unsure], data.zones[~unsure] > COVERED
    mean, scale = features.mean(axis=0), 1 / (features.std(axis=0) + 0.1)
    net = MLPClassifier((HIDDEN,), alpha=0.3, early_stopping=True, max_iter=80, random_state=0, batch_size=256)
    net.fit((features - mean) * scale, targets.astype(int))
    arrays = {"mean": mean, "scale": scale}
    for number, (weight, bias) in enumerate(zip(net.coefs_, net.intercepts_, strict=True), start=1):
        arrays |= {f"w{number}": weight, f"b{number}": bias}
    return {name: np.asarray(array, dtype=np.float16) for name, array in arrays.items()}


def packed(arrays: dict[str, Floats]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def outputs(net: OcclusionNet, features: Floats) -> Floats:
    """[N, 2]: the scores for eyes and mouth."""
    return np.array([(found.eyes, found.mouth) for found in map(net.from_features, features)], dtype=np.float32)


def assess(net: OcclusionNet, chips: Sequence[Pixels], groups: Sequence[str], where: str) -> Occlusion:
    """Lines, detection rates and false alarms on faces that training did not see.

    Args:
        chips, groups: faces as photographed and the group of each (some are covered in truth: they count as alarms).
        where: what they are, for the sources.
    """
    natural = outputs(net, np.array([measures.occlusion_features(chip) for chip in chips]))
    lines = np.quantile(natural, 1 - ALARMS, axis=0).astype(np.float64)
    source = f"scored higher by {ALARMS:.0%} of {len(chips)} faces as photographed ({where})"
    alarm = np.any(natural > lines, axis=1)
    kinds = np.array(groups)
    false_alarms = tuple(
        GroupError(
            group=str(group),
            rate=round(float(alarm[kinds == group].mean()), 4),
            kind="flagged as covered",
            n=int(count),
        )
        for group, count in zip(*np.unique(kinds, return_counts=True), strict=True)
    )
    drawn = examples(chips, np.random.default_rng(1), free_each=1)
    auc, found = _rates(outputs(net, drawn.features), drawn, lines)
    eyes, mouth = (Line(value=float(line), source=source) for line in lines)
    return Occlusion(eyes=eyes, mouth=mouth, auc=auc, found=found, false_alarms=false_alarms)


def _rates(
    scores: Floats, drawn: Examples, lines: npt.NDArray[np.float64]
) -> tuple[dict[str, float], dict[str, float]]:
    from sklearn.metrics import roc_auc_score

    auc, found = {}, {}
    for zone, name in enumerate(ZONES):
        free = drawn.kinds == "none"
        for kind in COVERS:
            hit = (drawn.kinds == kind) & (drawn.zones[:, zone] > COVERED)
            if hit.sum() < 50:
                continue
            labels = np.r_[np.ones(hit.sum()), np.zeros(free.sum())]
            key = f"{kind} over the {name}"
            auc[key] = round(float(roc_auc_score(labels, np.r_[scores[hit, zone], scores[free, zone]])), 4)
            found[key] = round(float((scores[hit, zone] > lines[zone]).mean()), 4)
    return auc, found
