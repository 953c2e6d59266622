"""The answer of detect_forgery: how its parts are weighed, its lines, its domain, and how often it errs.

    python -m faceagent_finetune.nets.calibrate_forgery --data DIR --crops DIR --cache DIR [--clip]

--crops is the folder that `forensic.crops` filled. Writes tools/faceagent_tools/calibration/forgery.json, with --clip
forgery_clip.json (--out), and prints its tables. The photos are those that no part was trained on (`forgery_samples`),
in two halves that share no video, person or photo: all is fitted on one and measured on the other. Forged and authentic
count alike, and so does each set of each (even odds). VIPBench is measured only: its generators are in no other set.

Above the upper line lie at most `ALARMS` of the authentic photos of any of `AUTHENTIC`, below the lower one at most
`PASSED` of the forgeries. Chosen with the measured half in sight: `PASSED`; `ALARMS`, for 0.05 accused one in ten
authentic photos of FFHQ; and that the upper line is that of the worst set and not of all together, which accused one in
five of them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.forensic.crops import SOURCES
from faceagent_finetune.nets.forensic.evaluate import auc
from faceagent_finetune.nets.forgery_samples import AS_IT_IS, Sample, collected, with_clip
from faceagent_finetune.nets.multitask.crops import read
from faceagent_finetune.nets.score_calibration import expected_calibration_error, fit_linear, log_loss, upper_line
from faceagent_tools import weights
from faceagent_tools.forensics import ensemble
from faceagent_tools.forensics.ensemble import TABLES, Stack
from faceagent_tools.forensics.network import WEIGHTS
from faceagent_tools.forensics.view import Floats

FOLDER = Path(__file__).parents[3] / "tools" / "faceagent_tools" / "calibration"
AUTHENTIC = ("lfw_images", "helen68", "fairface", "stylegan_ffhq")
"""Sets whose authentic photos are as publishers and agencies have them: the line holds for each of them."""
MEASURED_ONLY = ("vip_one_person",)
ALARMS = 0.02
ALARMS_OF_A_PART = 0.05
TOO_MANY = 0.1
PASSED = 0.1
TELLING = 0.7
"""AUC that forgeries and authentic photos of a range of widths must reach for something to be said of it."""
_STRANGEST = 0.99  # of the photos are no stranger; as many are no farther
_SHARES = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95)  # of the photos, at whose blockiness or enlargement the line is looked for
_BINS = (0, 40, 60, 80, 100, 130, 180, 10_000)  # pixels of a face's width


def fit(samples: Sequence[Sample]) -> tuple[dict[str, float], float]:
    """Weights by part and intercept. A part that would count against itself is left out."""
    every = tuple(samples[0].parts)
    names = list(every)
    forged, even = np.array([one.forged for one in samples]), balanced(samples)
    while True:
        scores = np.array([[one.parts[name] for name in names] for one in samples])
        intercept, *slopes = fit_linear(scores, forged, even).tolist()
        if min(slopes) > 0:
            return {**dict.fromkeys(every, 0.0), **dict(zip(names, slopes, strict=True))}, intercept
        del names[int(np.argmin(slopes))]


def balanced(samples: Sequence[Sample]) -> Floats:
    """[N], sums to 1: forged and authentic weigh alike, and within each every set does."""
    counts = Counter((one.set, one.forged) for one in samples)
    sets = Counter(forged for _, forged in counts)
    return np.array([0.5 / sets[one.forged] / counts[one.set, one.forged] for one in samples])


def made(found: Sequence[Sample]) -> Stack:
    """All that is fitted: first the domain, then, within it, the rest. The table is filled in later."""
    domain = Stack(
        *fit(found),
        high=0.0,
        low=0.0,
        smallest=0.0,
        strangest=round(float(np.quantile([one.strange for one in found], _STRANGEST)), 3),
        farthest=round(float(np.quantile([one.far for one in found], _STRANGEST)), 3),
        blockiest=math.inf,
        most_enlarged=math.inf,
        table={},
    )
    domain = replace(domain, smallest=smallest(domain, found))
    domain = replace(domain, most_enlarged=safe(domain, inside(domain, found), attrgetter("enlarged")))
    domain = replace(domain, blockiest=safe(domain, inside(domain, found), attrgetter("blockiness")))
    samples = inside(domain, found)
    slopes, intercept = fit(samples)
    plain = replace(domain, weights=slopes, intercept=intercept)
    high, low = lines(log_odds(plain, samples), samples)
    return replace(plain, high=round(high, 3), low=round(low, 3))


def safe(domain: Stack, samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """The line beyond which more than `TOO_MANY` of the authentic photos are called forged."""
    odds = log_odds(domain, samples)
    high, _ = lines(odds, samples)
    values = np.array([of(one) for one in samples])
    authentic = np.array([not one.forged for one in samples])
    for share in _SHARES:
        line = float(np.quantile(values, share))
        beyond = authentic & (values > line)
        if beyond.any() and np.mean(odds[beyond] >= high) > TOO_MANY:
            return round(line, 3)
    return round(float(values.max()), 3)


def lines(odds: Floats, samples: Sequence[Sample]) -> tuple[float, float]:
    """The upper and the lower one."""
    ordinary = [np.array([one.set == name and not one.forged for one in samples]) for name in AUTHENTIC]
    high = max(upper_line(odds[where], ALARMS) for where in ordinary)
    forged = balanced(samples) * np.array([one.forged for one in samples])
    order = np.argsort(odds)
    reached = np.searchsorted(np.cumsum(forged[order]) / forged.sum(), PASSED)
    return high, min(float(odds[order][int(reached)]), high)


def smallest(stack: Stack, samples: Sequence[Sample]) -> float:
    """Width of a face in pixels from which on every range of widths is telling."""
    line = float(_BINS[-2])
    for low, high in reversed(list(pairwise(_BINS))):
        mine = [one for one in samples if low <= one.width < high]
        telling = auc(log_odds(stack, mine), np.array([one.forged for one in mine], np.bool_))
        if telling is None or telling < TELLING:
            break
        line = float(low)
    return line


def log_odds(stack: Stack, samples: Sequence[Sample]) -> Floats:
    return np.array([stack.log_odds(one.parts) for one in samples])


def inside(stack: Stack, samples: Sequence[Sample]) -> list[Sample]:
    """Those of which something is said."""
    return [
        one
        for one in samples
        if one.width >= stack.smallest
        and one.strange <= stack.strangest
        and one.far <= stack.farthest
        and one.blockiness <= stack.blockiest
        and one.enlarged <= stack.most_enlarged
    ]


# What it is worth: on the other half.


def judged(stack: Stack, samples: Sequence[Sample]) -> list[Sample]:
    """Those inside that are not left alone because they seem enlarged and would be called synthetic."""
    return [
        one
        for one in inside(stack, samples)
        if not stack.seems_drawn(stack.log_odds(one.parts), one.synthetic, one.enlarged)
    ]


def rates(stack: Stack, samples: Sequence[Sample]) -> dict[str, float]:
    """Shares of authentic photos and forgeries above, between and below the lines, every set counting alike."""
    odds, forged, even = log_odds(stack, samples), np.array([one.forged for one in samples]), balanced(samples)

    def share(kind: npt.NDArray[np.bool_], where: npt.NDArray[np.bool_]) -> float:
        return round(float(even[kind & where].sum() / even[kind].sum()), 4)

    high, low = odds >= stack.high, odds <= stack.low
    return {
        "false_alarms": share(~forged, high),
        "forgeries_found": share(forged, high),
        "authentic_as_clean": share(~forged, low),
        "forgeries_as_clean": share(forged, low),
        "authentic_undecided": share(~forged, ~high & ~low),
        "forgeries_undecided": share(forged, ~high & ~low),
    }


def by_set(stack: Stack, samples: Sequence[Sample]) -> dict[str, dict[str, Any]]:
    """Of each set and kind of forgery: AUC against the set's authentic photos, found and accused at the upper line."""
    told: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(one.set for one in samples):
        mine = [one for one in samples if one.set == name]
        authentic = log_odds(stack, [one for one in mine if not one.forged])
        row: dict[str, Any] = {"authentic": len(authentic), "false_alarms": _share(authentic >= stack.high)}
        for kind in sorted({one.kind for one in mine if one.forged}):
            forged = log_odds(stack, [one for one in mine if one.kind == kind])
            row[kind] = {
                "n": len(forged),
                "auc": _auc(forged, authentic),
                "found": _share(forged >= stack.high),
                "as_clean": _share(forged <= stack.low),
            }
        told[name] = row
    return told


def quality(stack: Stack, samples: Sequence[Sample]) -> dict[str, float]:
    """Of the probabilities, forged and authentic weighing alike: calibration error, log loss (chance 0.693), Brier."""
    chance = 1 / (1 + np.exp(-log_odds(stack, samples)))
    forged, even = np.array([one.forged for one in samples]), balanced(samples)
    place = np.minimum((chance * 10).astype(int), 9)
    gaps = np.bincount(place, even * (chance - forged), minlength=10)
    return {
        "auc": round(_auc_weighted(chance, forged, even), 4),
        "calibration_error": round(float(np.abs(gaps).sum()), 4),
        "log_loss": round(log_loss(chance[forged], chance[~forged]), 4),
        "brier": round(float(np.sum(even * (chance - forged) ** 2)), 4),
        "unweighted_calibration_error": round(expected_calibration_error(chance[forged], chance[~forged]), 4),
    }


def _auc_weighted(chance: Floats, forged: npt.NDArray[np.bool_], even: Floats) -> float:
    order = np.argsort(chance, kind="stable")
    below = np.cumsum((even * ~forged)[order])
    return float(((even * forged)[order] * below).sum() / (even[forged].sum() * even[~forged].sum()))


def _auc(forged: Floats, authentic: Floats) -> float | None:
    labels = np.repeat([True, False], [forged.size, authentic.size])
    return auc(np.concatenate([forged, authentic]), labels)


def _share(values: npt.NDArray[np.bool_]) -> float | None:
    return round(float(values.mean()), 4) if values.size else None


def parts(stack: Stack, fitted: Sequence[Sample], measured: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Each part alone: its line, set like that of the whole, and its AUC."""
    told = {}
    for name in stack.weights:
        lines = [
            upper_line(
                np.array([one.parts[name] for one in fitted if one.set == each and not one.forged]), ALARMS_OF_A_PART
            )
            for each in AUTHENTIC
        ]
        scores = np.array([one.parts[name] for one in measured])
        forged = np.array([one.forged for one in measured])
        told[name] = {
            "line": round(max(lines), 3),
            "authentic_at_most": ALARMS_OF_A_PART,
            "auc": round(_auc_weighted(scores, forged, balanced(measured)), 4),
        }
    return told


def grouped(
    stack: Stack, samples: Sequence[Sample], key: Callable[[Sample], str | None]
) -> dict[str, dict[str, float | int]]:
    """False alarms by group of authentic photos."""
    groups: dict[str, list[Sample]] = {}
    for one in samples:
        name = key(one)
        if name is not None and not one.forged:
            groups.setdefault(name, []).append(one)
    return {
        name: {"rate": round(float(np.mean(log_odds(stack, found) >= stack.high)), 4), "n": len(found)}
        for name, found in sorted(groups.items())
    }


def strata(
    stack: Stack, samples: Sequence[Sample], key: Callable[[Sample], str]
) -> dict[str, dict[str, float | int | None]]:
    """AUC over all and false alarms, by what was done to the photos or how large the face is."""
    groups: dict[str, list[Sample]] = {}
    for one in samples:
        groups.setdefault(key(one), []).append(one)
    told: dict[str, dict[str, float | int | None]] = {}
    for name, found in groups.items():
        odds, forged = log_odds(stack, found), np.array([one.forged for one in found])
        told[name] = {
            "n": len(found),
            "auc": auc(odds, forged),
            "false_alarms": _share(odds[~forged] >= stack.high),
            "found": _share(odds[forged] >= stack.high),
        }
    return told


def width_bin(one: Sample) -> str:
    place = int(np.searchsorted(_BINS, one.width, side="right"))
    return f"{_BINS[place - 1]}-{_BINS[place]} px" if _BINS[place] < _BINS[-1] else f"{_BINS[place - 1]} px and more"


def table(stack: Stack, found: Sequence[Sample | None], races: Mapping[str, str]) -> dict[str, Any]:
    """What is written."""
    seen = [one for one in found if one is not None]
    usual = [one for one in seen if one.set not in MEASURED_ONLY]
    fitted = [one for one in usual if one.fitted_on]
    held_out = [one for one in usual if not one.fitted_on]
    measured = judged(stack, held_out)
    unseen = judged(stack, [one for one in seen if one.set in MEASURED_ONLY])
    plain = [one for one in (*measured, *unseen) if one.change == AS_IT_IS]
    alarms = grouped(stack, [one for one in plain if one.set != "blends"], lambda one: one.set)
    by_race = grouped(stack, [one for one in measured if one.set == "fairface"], lambda one: races.get(one.group))
    return {
        "command": "python -m faceagent_finetune.nets.calibrate_forgery --data DIR --crops DIR --cache DIR"
        + " --clip" * stack.with_clip,
        "network_sha256": weights.row(WEIGHTS).sha256,
        "calibrated_on": "held-out photos of DFDC, StyleGAN/FFHQ, LFW, HELEN and FairFace, and forgeries made of them, "
        "as they are and saved again",
        "n": len(fitted),
        "stack": {
            "weights": {name: round(value, 4) for name, value in stack.weights.items()},
            "intercept": round(stack.intercept, 4),
        },
        "lines": {"high": stack.high, "low": stack.low},
        "domain": {
            "smallest_px": stack.smallest,
            "strangest": stack.strangest,
            "farthest": stack.farthest,
            "blockiest": stack.blockiest,
            "most_enlarged": stack.most_enlarged,
        },
        "rates": rates(stack, measured),
        "parts": parts(stack, fitted, measured),
        "false_alarms": {**alarms, **{f"FairFace, perceived {name}": row for name, row in by_race.items()}},
        "measured": {
            "photos": len(held_out),
            "outside_the_domain": len(held_out) - len(measured),
            "no_face_found": sum(one is None for one in found),
            "probabilities": quality(stack, measured),
            "by_set_as_they_are": by_set(stack, plain),
            "by_set": by_set(stack, (*measured, *unseen)),
            "by_change": strata(stack, measured, lambda one: one.change),
            "by_width": strata(stack, held_out, width_bin),
            "synthetic_told_from_manipulated": _kinds(stack, measured),
        },
    }


def _kinds(stack: Stack, samples: Sequence[Sample]) -> dict[str, float | None]:
    """Of the forgeries above the line: the share whose kind was told rightly."""
    found = [
        one for one, odds in zip(samples, log_odds(stack, samples), strict=True) if one.forged and odds >= stack.high
    ]
    return {
        kind: _share(np.array([one.synthetic == (kind == "synthesis") for one in found if one.kind == kind]))
        for kind in sorted({one.kind for one in found})
    }


def perceived(data: Path) -> dict[str, str]:
    """Perceived ethnicity by group of FairFace's photos."""
    rows = read(data / SOURCES["fairface"].file)
    return {f"fairface {row['image']['path']}": str(row["race"]) for row in rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--crops", type=Path, required=True, help="folder that forensic.crops filled")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what was measured, made if missing")
    parser.add_argument("--network", type=Path, help="another ONNX file than the one that ships")
    parser.add_argument("--clip", action="store_true", help="with CLIP, which has to be on this machine")
    parser.add_argument("--out", type=Path, help="JSON to write, by default the one that ships")
    chosen = parser.parse_args()
    found = collected(chosen.crops, chosen.cache, chosen.network or weights.path(WEIGHTS))
    if chosen.clip:
        found = with_clip(found, chosen.crops, chosen.cache)
    stack = made([one for one in found if one is not None and one.fitted_on and one.set not in MEASURED_ONLY])
    told = table(stack, found, perceived(chosen.data))
    out = chosen.out or FOLDER / TABLES[chosen.clip]
    out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    ensemble.stack.cache_clear()
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
