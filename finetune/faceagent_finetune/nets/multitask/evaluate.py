"""Measure faceagent-multitask on the val splits.

    python -m faceagent_finetune.nets.multitask.evaluate MODEL --cache DIR --out FILE

MODEL is the exported .onnx file or a checkpoint of train. Writes a JSON with every figure and the number of photos
behind it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.multitask import labels
from faceagent_finetune.nets.multitask.crops import PRIOR, SOURCES
from faceagent_finetune.nets.multitask.data import CropSet
from faceagent_finetune.nets.predictor import Predict
from faceagent_finetune.nets.predictor import predictor as of_file
from faceagent_tools import multitask, runtime
from faceagent_tools.multitask import softmax
from faceagent_tools.trunk import MAPS, Trunk

Floats = npt.NDArray[np.float64]
_BATCH = 64
_FEW = 20  # photos without which no share is worth telling
_ALLOWED = 0.2  # loss of accuracy from where on detail counts as too little
_EYES = (36, 45)  # outer corners, whose distance is the unit of the landmark error


def predictor(model: Path, threads: int = 1) -> Predict:
    """The network in a file.

    Raises:
        UsageError: no such file.
    """
    return of_file(model, _onnx, _trained, threads)


def _onnx(model: Path, threads: int) -> Predict:
    session, seen = runtime.session(model, threads), Trunk(threads)
    names = [output.name for output in session.get_outputs()]

    def predict(pixels: npt.NDArray[np.uint8]) -> Mapping[str, npt.NDArray[np.float32]]:
        views = seen.run(pixels)
        return dict(zip(names, session.run(names, {name: views[name] for name in MAPS}), strict=True))

    return predict


def _trained(checkpoint: Path) -> Any:
    from faceagent_finetune.nets.multitask.train import averaged

    return averaged(checkpoint)[0]


def answers(predict: Predict, crops: CropSet, rows: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """Outputs for some crops of a set, averaged over the crop and its mirror image as the product does."""
    found: dict[str, list[Floats]] = {}
    for start in range(0, len(rows), _BATCH):
        pixels = crops.crops[rows[start : start + _BATCH]]
        for name, value in multitask.averaged(predict(pixels), predict(pixels[:, :, ::-1])).items():
            found.setdefault(name, []).append(value)
    return {name: np.concatenate(values) for name, values in found.items()}


def years(logits: Floats) -> Floats:
    """Mean age [N] of the distribution."""
    return np.asarray(softmax(logits) @ np.arange(multitask.AGES))


def group_of(age_logits: Floats) -> npt.NDArray[np.int64]:
    """FairFace's age group with the largest probability [N]."""
    shares = softmax(age_logits)
    sums = np.stack([shares[:, first : last + 1].sum(axis=1) for first, last in multitask.AGE_GROUPS], axis=1)
    return np.asarray(sums.argmax(axis=1))


def fairface(out: Mapping[str, Floats], wanted: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Gender, also by group, race and age group."""
    right = (out["gender"][:, 0] > 0) == (wanted["gender"] == 1)
    race, group = wanted["race"].argmax(axis=1), np.array([first for first, _ in multitask.AGE_GROUPS])
    true_group = np.searchsorted(group, wanted["age"][:, 0])
    by = {name: (race == k) for k, name in enumerate(multitask.RACES)}
    by |= {("female", "male")[k]: wanted["gender"] == k for k in (0, 1)}
    by |= {f"age {name}": true_group == k for k, name in enumerate(labels.GROUPS)}
    found = group_of(out["age"])
    return {
        "photos": len(right),
        "gender_accuracy": _share(right),
        "gender_accuracy_by_group": {
            name: {"photos": int(at.sum()), "accuracy": _share(right[at])} for name, at in by.items()
        },
        "race_accuracy": _share(out["race"].argmax(axis=1) == race),
        "race_accuracy_by_race": {
            name: _share(out["race"].argmax(axis=1)[race == k] == k) for k, name in enumerate(multitask.RACES)
        },
        "age_group_accuracy": _share(found == true_group),
        "age_group_accuracy_by_group": {
            name: {"photos": int(at.sum()), "accuracy": _share((found == true_group)[at])} for name, at in by.items()
        },
        "age_group_within_one": _share(np.abs(found - true_group) <= 1),
    }


def utkface(out: Mapping[str, Floats], wanted: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Age in years, and gender."""
    off = np.abs(years(out["age"]) - wanted["age"][:, 0])
    return {
        "photos": len(off),
        "age_mae_years": _number(off.mean()),
        "age_median_error_years": _number(np.median(off)),
        "gender_accuracy": _share((out["gender"][:, 0] > 0) == (wanted["gender"] == 1)),
    }


def celeba(out: Mapping[str, Floats], wanted: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """The 40 attributes; balanced accuracy as well, for most of them are rare."""
    true, found = wanted["attributes"] == 1, out["attributes"] > 0
    each = (true == found).mean(axis=0)
    # An attribute that no photo has, or that all have, has no balanced accuracy.
    both = np.flatnonzero(true.any(axis=0) & ~true.all(axis=0)).tolist()
    kinds = {k: _balanced(true[:, k], found[:, k]) for k in both}
    men = true[:, multitask.ATTRIBUTES.index("Male")]
    return {
        "photos": len(true),
        "attribute_accuracy": _share(each),
        "attribute_balanced_accuracy": _share(list(kinds.values())),
        "always_the_commoner_answer": _share(np.maximum(true.mean(axis=0), 1 - true.mean(axis=0))),
        "by_attribute": {
            name: {
                "accuracy": _share(each[k]),
                "balanced": _share(kinds.get(k, [])),
                "share": _share(true[:, k]),
                "within_gender": _within(true[:, k], found[:, k], {"female": ~men, "male": men}),
            }
            for k, name in enumerate(multitask.ATTRIBUTES)
        },
    }


def _balanced(true: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> float:
    return float((found[true].mean() + (~found[~true]).mean()) / 2)


def _within(
    true: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_], groups: Mapping[str, npt.NDArray[np.bool_]]
) -> dict[str, Any]:
    """Balanced accuracy within groups that have enough photos with the attribute and without.

    Whoever knows only the gender tells lipstick or a beard right for over 80 % of all faces, and for half within it.
    """
    return {
        name: {"photos": int(at.sum()), "balanced": _share(_balanced(true[at], found[at]))}
        for name, at in groups.items()
        if min((at & true).sum(), (at & ~true).sum()) >= _FEW
    }


def ferplus(out: Mapping[str, Floats], wanted: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Expression against the majority of the votes; photos whose votes tie count for any of the leaders."""
    votes = wanted["emotion"]
    known = votes.sum(axis=1) > 0
    votes, found = votes[known], out["emotion"][known].argmax(axis=1)
    leads = votes == votes.max(axis=1, keepdims=True)
    right, clear = leads[np.arange(len(found)), found], leads.sum(axis=1) == 1
    true = votes.argmax(axis=1)
    return {
        "photos": len(found),
        "expression_accuracy": _share(right),
        "expression_accuracy_without_ties": _share(right[clear]),
        "recall_by_expression": {
            name: {"photos": int((clear & (true == k)).sum()), "recall": _share(right[clear & (true == k)])}
            for k, name in enumerate(multitask.EMOTIONS)
        },
    }


def geometry(out: Mapping[str, Floats], wanted: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Points in shares of the distance of the outer corners of the eyes; pose in degrees; openings."""
    true, found = wanted["points"][:, :68], out["points"].reshape(-1, multitask.POINTS, 2)[:, :68]
    known = np.isfinite(true).all(axis=(1, 2))
    if not known.any():
        return {}
    width = np.linalg.norm(true[:, _EYES[0]] - true[:, _EYES[1]], axis=1)[known]
    error = np.linalg.norm(true - found, axis=2)[known].mean(axis=1) / np.maximum(width, 1e-3)
    told: dict[str, Any] = {
        "photos": int(known.sum()),
        "nme": _number(error.mean(), 4),
        "nme_median": _number(np.median(error), 4),
    }
    told["nme_above_0.1"] = _share(error > 0.1)
    posed = np.isfinite(wanted["pose"]).all(axis=1)
    if posed.any():
        off = np.abs(out["pose"] - wanted["pose"])[posed].mean(axis=0)
        told["pose_mae_degrees"] = {name: _number(off[k]) for k, name in enumerate(multitask.POSE)}
        off = np.abs(out["openings"] - wanted["openings"])[posed].mean(axis=0)
        told["opening_mae"] = {name: _number(off[k], 4) for k, name in enumerate(multitask.OPENINGS)}
    return told


def usable(predict: Predict, file: Path) -> dict[str, Any]:
    """How well the network knows what it cannot read, on the crops that `finish` kept for this.

    detail_line: of the crops below, perceived gender is right in 20 of 100 less than of untouched ones.
    """
    with np.load(file) as stored:
        pixels, face, detail, male = (stored[name] for name in ("pixels", "face", "detail", "male"))
    made = [predict(pixels[at : at + _BATCH]) for at in range(0, len(pixels), _BATCH)]
    chance = 1 / (1 + np.exp(-np.concatenate([out["usable"] for out in made]).astype(np.float64)))
    right = (np.concatenate([out["gender"][:, 0] for out in made]) > 0) == (male == 1)
    known, told = np.isfinite(detail), np.isfinite(male)
    ranks = [values.argsort().argsort() for values in (chance[known, 1], detail[known])]
    bands = _by_detail(chance[told, 1], right[told])
    enough = _share(right[told & (detail == 1)]) or 0.0
    return {
        "crops": len(pixels),
        "faces_called_none": _share(chance[face == 1, 0] < 0.5),
        "none_called_faces": _share(chance[face == 0, 0] >= 0.5),
        "detail_rank_correlation": _number(np.corrcoef(*ranks)[0, 1], 3),
        "detail_mean_error": _number(np.abs(chance[known, 1] - detail[known]).mean(), 3),
        "gender_accuracy_untouched": enough,
        "gender_accuracy_by_detail": bands,
        "detail_line": _line(chance[told, 1], right[told], enough - _ALLOWED),
    }


def _by_detail(detail: Floats, right: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Accuracy in fifths of the detail that the network itself reports."""
    edges = np.round(np.linspace(0, 1, 6), 1).tolist()
    bands = [(low, high, (detail >= low) & (detail < high + (high == 1))) for low, high in pairwise(edges)]
    return [
        {"from": low, "to": high, "crops": int(at.sum()), "gender_accuracy": _share(right[at])}
        for low, high, at in bands
        if at.sum() >= _FEW
    ]


def _line(detail: Floats, right: npt.NDArray[np.bool_], wanted: float) -> float:
    """The highest detail of which it holds that crops with less are right less often than wanted; 0 for none."""
    order = np.argsort(detail)
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    poor = np.flatnonzero(shares[_FEW - 1 :] < wanted)
    return _number(detail[order][poor[-1] + _FEW - 1]) if poor.size else 0.0


def fitting_half(photos: int) -> npt.NDArray[np.bool_]:
    """The photos of HELEN on which `finish` fits the points' shift; the others measure it."""
    return np.asarray(np.arange(photos) % 2 == 0)


def _share(values: Any) -> float | None:
    return round(float(np.mean(values)), 4) if np.size(values) else None


def _number(value: Any, digits: int = 2) -> float:
    return round(float(value), digits)


MEASURES: Mapping[str, Callable[[Mapping[str, Floats], Mapping[str, npt.NDArray[Any]]], dict[str, Any]]] = {
    "fairface": fairface,
    "utkface": utkface,
    "celeba40": celeba,
    "ferplus": ferplus,
}


def measure(predict: Predict, cache: Path, limit: int | None = None) -> dict[str, Any]:
    """Every figure of every set in the cache, on its val split."""
    told: dict[str, Any] = {}
    for name in SOURCES:
        if not (cache / name / "labels.npz").is_file():
            continue
        crops = CropSet.open(cache, name)
        rows = np.flatnonzero(crops.val & ~fitting_half(len(crops.val)) if SOURCES[name].all_val else crops.val)[:limit]
        if not rows.size:
            continue
        out = answers(predict, crops, rows)
        wanted = {key: values[rows] for key, values in crops.targets.items()}
        told[name] = {"not_found_by_detector": int((crops.how[rows] >= PRIOR).sum())}
        if name in MEASURES:
            told[name] |= MEASURES[name](out, wanted)
        told[name]["geometry"] = geometry(out, wanted)
        if SOURCES[
            name
        ].all_val:  # many faces in a photo: where the detector missed the one that is labelled, another is read
            found = crops.how[rows] < PRIOR
            told[name]["geometry_where_found"] = geometry(
                {key: values[found] for key, values in out.items()},
                {key: values[found] for key, values in wanted.items()},
            )
    if (cache / "usable_val.npz").is_file():
        told["usable"] = usable(predict, cache / "usable_val.npz")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops made")
    parser.add_argument("--out", type=Path, help="file for the figures (JSON)")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    told = measure(predictor(chosen.model, chosen.threads), chosen.cache)
    text = json.dumps(told, indent=1) + "\n"
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
