"""The classifier on the forensic signals: measured on real photos, fitted, calibrated, and what it is worth.

    python -m faceagent_finetune.nets.forensic_signals --data DIR --cache DIR

Writes tools/faceagent_tools/calibration/forensic_signals.json (--out) and prints its tables. Needs the extra `eval`;
MesoNet is in the tables where its weights are here. Which photos are measured: `signal_samples`. Measuring takes some
20 ms a face; what was measured lies in --cache, and a run that was cut off goes on.

Fitting has one choice, how strongly it is held back (`STRENGTHS`), made by cross-validation on train, by group. The
temperature is fitted on those same held-out answers, so that val is left for measuring. Which features the families
measure at all was chosen with val in sight. Within each set a
forgery is as likely as an authentic photo, so that the set tells nothing; probabilities are for even odds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra
from faceagent_finetune.nets.score_calibration import expected_calibration_error
from faceagent_finetune.nets.signal_samples import SOURCES, Sample, collected
from faceagent_tools.forensics import signals
from faceagent_tools.forensics.signals import KINDS
from faceagent_tools.forensics.view import Floats

DEFAULT = Path(__file__).parents[3] / "tools" / "faceagent_tools" / "calibration" / "forensic_signals.json"
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
"""Inverse of the penalty on the weights (scikit-learn's C) among which is chosen."""
FOLDS = 5
LINE = 0.5
APART = ("spectrum.grid", "geometry.highlights", "noise.contrast", "jpeg.", "mesonet.")
"""Measured and not weighed: what is ordinary is written down instead."""
UNWEIGHED: Mapping[str, tuple[str, ...]] = {"swap": ("spectrum.luma", "spectrum.chroma"), "synthesis": ()}
"""By kind, features without weight. With the block spectrum more swaps of DFDC would be found, and nearly all of LFW
and HELEN be called swapped: it reads how those videos were compressed."""
CONFOUNDS = ("bytes", "bytes_a_pixel", "width", "face_width", "native", "quality", "detail_around")


@dataclass(frozen=True)
class Fitted:
    """The classifier, and by kind the held-out log loss of each strength."""

    classifier: signals.Classifier
    losses: Mapping[str, Mapping[float, float]]


def chosen_features(found: Sequence[Sample]) -> tuple[str, ...]:
    """Names of the classifier's features, those that most faces have."""
    names = sorted({name for sample in found for name in sample.features})
    common = [name for name in names if sum(name in sample.features for sample in found) > 0.5 * len(found)]
    return tuple(name for name in common if not name.startswith(APART))


def fit(train: Sequence[Sample]) -> Fitted:
    """One logistic regression a kind, on the sets that have it."""
    plain = _unfitted(train)
    found = {kind: _fit_kind(plain, _of_kind(train, kind), kind) for kind in KINDS}
    values = np.stack([plain.standardised(sample.features) for sample in train])
    fitted = dataclasses.replace(
        plain,
        weights=np.stack([weights for weights, _, _ in found.values()]),
        intercept=np.array([intercept for _, intercept, _ in found.values()]),
        strangest=float(np.quantile(np.sqrt((values**2).mean(axis=1)), 0.99)),
    )
    return Fitted(fitted, {kind: losses for kind, (_, _, losses) in found.items()})


def _of_kind(train: Sequence[Sample], kind: str) -> list[Sample]:
    sets = {sample.set for sample in train if sample.kind == kind}
    return [sample for sample in train if sample.set in sets]


def _fit_kind(
    plain: signals.Classifier, train: Sequence[Sample], kind: str
) -> tuple[Floats, float, dict[float, float]]:
    """Weights and intercept, both over the temperature, and the held-out losses."""
    try:
        from sklearn.linear_model import LogisticRegression  # imported where used: it is an optional package
        from sklearn.model_selection import GroupKFold, cross_val_predict
    except ModuleNotFoundError:
        raise MissingExtra("Fitting the forensic signals", "eval") from None
    left_out = [name.startswith(UNWEIGHED[kind]) for name in plain.names]
    values = np.stack([plain.standardised(sample.features) for sample in train]) * ~np.array(left_out)
    forged = np.array([sample.kind == kind for sample in train])
    counts = Counter((sample.set, sample.kind) for sample in train)
    size = Counter(sample.set for sample in train)
    even = np.array([size[sample.set] / counts[sample.set, sample.kind] / 2 for sample in train])
    groups = [sample.group for sample in train]
    held_out = {
        strength: cross_val_predict(
            LogisticRegression(C=strength, max_iter=2000),
            values,
            forged,
            groups=groups,
            cv=GroupKFold(FOLDS),
            method="decision_function",
            params={"sample_weight": even},
        )
        for strength in STRENGTHS
    }
    losses = {strength: _log_loss(odds, forged, even) for strength, odds in held_out.items()}
    strength = min(losses, key=lambda key: losses[key])
    model = LogisticRegression(C=strength, max_iter=2000).fit(values, forged, sample_weight=even)
    heats = np.geomspace(0.5, 4, 80)
    heat = heats[int(np.argmin([_log_loss(held_out[strength] / one, forged, even) for one in heats]))]
    return model.coef_[0] / heat, float(model.intercept_[0] / heat), losses


def _unfitted(train: Sequence[Sample]) -> signals.Classifier:
    """Knows what is usual, and nothing else."""
    names = chosen_features(train)
    table = np.array([[sample.features.get(name, np.nan) for name in names] for sample in train])
    low, middle, high = np.nanpercentile(table, (16, 50, 84), axis=0)
    nothing = np.zeros((len(KINDS), len(names)))
    return signals.Classifier(names, middle, (high - low) / 2, nothing, nothing[:, 0], 0.0, {}, {})


def _log_loss(odds: Floats, forged: npt.NDArray[np.bool_], weights: Floats) -> float:
    return float(np.average(np.logaddexp(0, np.where(forged, -odds, odds)), weights=weights))


# What it is worth


def auc(positive: Floats, negative: Floats) -> float | None:
    """Chance that a forgery scores higher than an authentic photo; None with fewer than ten of either."""
    positive, negative = positive[np.isfinite(positive)], negative[np.isfinite(negative)]
    if min(positive.size, negative.size) < 10:
        return None
    below = np.searchsorted(np.sort(negative), positive, "left") + np.searchsorted(np.sort(negative), positive, "right")
    return float(below.mean() / 2 / negative.size)


def parts(val: Sequence[Sample]) -> dict[str, tuple[list[Sample], list[Sample]]]:
    """By name: forgeries, and the authentic photos that they are held against."""

    def of(name: str, kind: str) -> list[Sample]:
        return [sample for sample in val if sample.set == name and sample.kind == kind]

    pairs = [f"{name} pairs" for name in SOURCES]
    return {
        "DFDC": (of("dfdc", "swap"), of("dfdc", "none")),
        "StyleGAN": (of("stylegan", "synthesis"), of("stylegan", "none")),
        "VIP swaps": (of("vip", "swap"), of("vip", "none")),
        "VIP synthesised": (of("vip", "synthesis"), of("vip", "none")),
        "pairs": ([s for name in pairs for s in of(name, "swap")], [s for name in pairs for s in of(name, "none")]),
    }


Score = Callable[[Sample], float]


def row(score: Score, val: Sequence[Sample]) -> dict[str, float | None]:
    """AUC by part."""

    def scores(found: Sequence[Sample]) -> Floats:
        return np.array([score(sample) for sample in found], dtype=np.float64)

    found = {name: auc(scores(forged), scores(authentic)) for name, (forged, authentic) in parts(val).items()}
    return {name: None if value is None else round(value, 3) for name, value in found.items()}


def fact(name: str) -> Score:
    return lambda sample: sample.facts.get(name, np.nan)


def feature(name: str) -> Score:
    return lambda sample: sample.features.get(name, np.nan)


def weighed(fitted: signals.Classifier, kind: str) -> Score:
    return lambda sample: fitted.weigh(sample.features).kinds[kind]


def ordinary(val: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Of authentic photos, saved once: 1st and 99th percentile of what stays outside of the classifier."""
    authentic = [sample.features for sample in val if not sample.forged and not sample.set.endswith("pairs")]
    found = {}
    for name in sorted({name for features in authentic for name in features if name.startswith(APART)}):
        values = [features[name] for features in authentic if name in features]
        low, high = np.quantile(values, (0.01, 0.99))
        found[name] = {"n": len(values), "low": round(float(low), 3), "high": round(float(high), 3)}
    return found


def rows(fitted: signals.Classifier, val: Sequence[Sample]) -> dict[str, dict[str, float | None]]:
    """The table: the classifier, each named feature by itself, and what has nothing to do with forgery."""
    names = sorted({name for sample in val for name in sample.features if name.count(".") == 1})
    return {
        **{f"classifier: {kind}": row(weighed(fitted, kind), val) for kind in KINDS},
        **{name: row(feature(name), val) for name in names},
        **{f"({name})": row(fact(name), val) for name in CONFOUNDS},
    }


SUBJECT: Mapping[str, str] = {
    **{"DFDC": "swap", "VIP swaps": "swap", "pairs": "swap"},
    **{"StyleGAN": "synthesis", "VIP synthesised": "synthesis"},
}
"""By part: the kind of its forgeries."""


def worth(fitted: signals.Classifier, val: Sequence[Sample]) -> dict[str, Any]:
    """Calibration, hits and false alarms at `LINE`, on val."""
    told: dict[str, Any] = {}
    for name, (forged, authentic) in parts(val).items():
        score = weighed(fitted, SUBJECT[name])
        hits, alarms = (np.array([score(sample) for sample in found]) for found in (forged, authentic))
        if min(hits.size, alarms.size):
            told[name] = {
                "forged": len(forged),
                "authentic": len(authentic),
                "found": round(float((hits >= LINE).mean()), 3),
                "false_alarms": round(float((alarms >= LINE).mean()), 3),
                "calibration_error": round(expected_calibration_error(hits, alarms), 3),
            }
    for name in ("lfw", "helen"):
        found = [fitted.weigh(sample.features) for sample in val if sample.set == name]
        told[name] = {
            "authentic": len(found),
            "false_alarms": {k: round(float(np.mean([one.kinds[k] >= LINE for one in found])), 3) for k in KINDS},
            "strange": round(float(np.mean([one.strange > fitted.strangest for one in found])), 3),
        }
    return told


def table(fitted: Fitted, found: Sequence[Sample]) -> dict[str, Any]:
    """What is written."""
    train, val = ([sample for sample in found if sample.val == side] for side in (False, True))
    classifier = fitted.classifier
    return {
        "command": "python -m faceagent_finetune.nets.forensic_signals --data DIR --cache DIR",
        "classifier": {
            "kinds": list(KINDS),
            "names": list(classifier.names),
            **{
                key: np.round(getattr(classifier, key), 5).tolist() for key in ("mean", "scale", "weights", "intercept")
            },
            "strangest": round(classifier.strangest, 3),
            "held_out_log_loss": {
                kind: {str(key): round(value, 4) for key, value in losses.items()}
                for kind, losses in fitted.losses.items()
            },
        },
        "calibrated_on": "held-out folds of the training photos (DFDC, StyleGAN/FFHQ, blends), even odds",
        "n": len(train),
        "trained_on": dict(Counter(f"{sample.set}: {sample.kind}" for sample in train)),
        "ordinary": ordinary(val),
        "auc_on_val": rows(classifier, val),
        "on_val": worth(classifier, val),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what was measured, made if missing")
    parser.add_argument("--out", type=Path, default=DEFAULT)
    chosen = parser.parse_args()
    found = [sample for name in SOURCES for sample in collected(chosen.data, chosen.cache, name)]
    made = table(fit([sample for sample in found if not sample.val]), found)
    chosen.out.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    _say(made)
    return 0


def _say(made: Mapping[str, Any]) -> None:
    auc_rows: Mapping[str, Mapping[str, float | None]] = made["auc_on_val"]
    columns = list(next(iter(auc_rows.values())))
    sys.stdout.write("AUC on val (below 0.5: lower means forged)" + "".join(f"{name:>17}" for name in columns) + "\n")
    for name, values in auc_rows.items():
        shown = ("-" if values[column] is None else f"{values[column]:.3f}" for column in columns)
        sys.stdout.write(f"{name:42}" + "".join(f"{value:>17}" for value in shown) + "\n")
    for name, values in {
        **made["on_val"],
        **made["ordinary"],
        "trained on": made["trained_on"],
    }.items():
        sys.stdout.write(f"{name}: {values}\n")
    sys.stdout.write(f"held-out log loss by strength: {made['classifier']['held_out_log_loss']}\n")


if __name__ == "__main__":
    sys.exit(main())
