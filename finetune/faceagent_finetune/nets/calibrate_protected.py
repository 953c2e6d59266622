"""Makes the calibration of verify_protected_identity: what authentic photos, others and swaps are alike to a person.

    python -m faceagent_finetune.nets.calibrate_protected --data DIR --cache FILE --out FOLDER

From the photos to the files that ship, in one run; the first takes some minutes (`protected_samples`). Of people of LFW
with four photos and more one half is enrolled; the rest are genuine, the nearest of 20 others and two more are somebody
else, and swaps put the person's face on somebody of like pose. Held against them too, and fitted on by nobody: the
nearest of all other people of LFW, the look-alikes. The forensic weight is not fitted: of the kinds of forgery that the
answer of detect_forgery was fitted without, its log odds should have counted 0.2 (edits) to 1.4 times (StyleGAN); one
half was chosen. VIPBench is measured by `python -m faceagent_eval run vip` and nothing is fitted on it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import FaceAgentError, MissingExtra
from faceagent_finetune.nets.forensic.evaluate import auc
from faceagent_finetune.nets.protected_samples import FEWEST, SEED, Sample, samples
from faceagent_tools import weights
from faceagent_tools.forensics import ensemble
from faceagent_tools.identity import likelihood, regions
from faceagent_tools.identity.likelihood import Protected, RegionLine
from faceagent_tools.similarity import Floats
from faceagent_tools.trunk import WEIGHTS

COMMAND = "python -m faceagent_finetune.nets.calibrate_protected"
OWN_PAIRS = 3
FORENSIC_WEIGHT = 0.5
ROUNDS = 3  # halves of each person that are enrolled
LOOK_ALIKES = 3  # of each person
TRIED = ("genuine", "other", "alike", "swap", "redrawn")
FINDINGS = (*likelihood.KINDS, likelihood.NOT_AUTHENTIC, likelihood.UNDECIDED)
PROBABILITY_RANGE = (0.01, 0.99)
_AMONG = 20  # others of whom the nearest is a look-alike


def usual(found: Sequence[Sample]) -> dict[str, dict[str, Floats]]:
    """Mean and spread of each part over the real photos."""
    made = {}
    for name in regions.PARTS:
        real = [sample.seen.parts[name] for sample in found if sample.kind == "real"]
        rows = np.array([part for part in real if part is not None])
        made[name] = {"mean": rows.mean(axis=0), "spread": rows.std(axis=0) + 1e-3}
    return made


@dataclass(frozen=True)
class Trial:
    """A photo held against a person. kind: genuine, other, alike, swap or redrawn; found: by region; own: see
    `likelihood`; forgery: log odds from the pixels, None where they are not judged."""

    person: str
    kind: str
    found: Mapping[str, float]
    own: float
    forgery: float | None


def trials(found: Sequence[Sample], known: Mapping[str, Mapping[str, Floats]], own: float) -> list[Trial]:
    """Each person of several photos, one half enrolled, over a few rounds."""
    rng, made = np.random.default_rng(SEED + 1), list[Trial]()
    real = [one for one in found if one.kind == "real"]
    people: dict[str, list[Sample]] = {}
    for sample in real:
        people.setdefault(sample.person, []).append(sample)
    for _ in range(ROUNDS):
        for person, mine in people.items():
            if len(mine) < FEWEST:
                continue
            order = [mine[place] for place in rng.permutation(len(mine))]
            half, rest = order[: len(mine) // 2], order[len(mine) // 2 :]
            enrolled, used = [one.seen for one in half], {one.row for one in half}
            spread = likelihood.own_likeness(enrolled, own, OWN_PAIRS)
            strangers = [one for one in real if one.person != person]
            others = _others(strangers, half[0], rng)
            alike = _look_alikes(strangers, np.mean([one.embedding for one in enrolled], axis=0))
            forged = [one for one in found if one.kind != "real" and one.person == person and one.row not in used]
            for kind, suspects in (("genuine", rest), ("other", others), ("alike", alike), ("", forged)):
                for one in suspects:
                    by_region = likelihood.by_region(one.seen, enrolled, known)
                    made.append(Trial(person, kind or one.kind, by_region, spread, one.forgery))
    return made


def _look_alikes(strangers: Sequence[Sample], like: Floats) -> list[Sample]:
    """Of the people whose best photo is the nearest of all, that photo."""
    best: dict[str, Sample] = {}
    for one in sorted(strangers, key=lambda one: -float(one.seen.embedding @ like)):
        best.setdefault(one.person, one)
        if len(best) == LOOK_ALIKES:
            break
    return list(best.values())


def _others(real: Sequence[Sample], like: Sample, rng: np.random.Generator) -> list[Sample]:
    """The nearest of some, and two more."""
    chosen = [real[place] for place in rng.choice(len(real), _AMONG + 2, replace=False)]
    among = sorted(chosen[:_AMONG], key=lambda one: -float(one.seen.embedding @ like.seen.embedding))
    return [among[0], *chosen[_AMONG:]]


def fit(tried: Sequence[Trial]) -> tuple[Floats, Floats]:
    """Weights [3, F] and intercepts [3] of genuine, other and swap, each kind weighing alike.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        # Imported where used: it is an optional package.
        from sklearn.linear_model import LogisticRegression
    except ModuleNotFoundError:
        raise MissingExtra("Fitting", "eval") from None
    kinds = likelihood.KINDS[:3]
    used = [one for one in tried if one.kind in kinds]
    rows = np.array([likelihood.features(one.found, one.own) for one in used])
    model = LogisticRegression(max_iter=5000, class_weight="balanced")
    model.fit(rows, [kinds.index(one.kind) for one in used])
    return model.coef_, model.intercept_


def region_lines(tried: Sequence[Trial]) -> dict[str, RegionLine]:
    """The line of each region at which as many pairs of one person are missed as pairs of two pass."""
    made = {}
    for name in regions.REGIONS:
        one, two = (
            np.sort([trial.found[name] for trial in tried if trial.kind == kind and name in trial.found])
            for kind in ("genuine", "other")
        )
        at = np.concatenate([one, two])
        gaps = [abs(np.mean(one < line) - np.mean(two >= line)) for line in at]
        line = float(at[int(np.argmin(gaps))])
        made[name] = RegionLine(
            similarity=round(line, 4), missed=float(np.mean(one < line)), passed=float(np.mean(two >= line))
        )
    return made


def calibrate(found: Sequence[Sample]) -> tuple[Protected, dict[str, dict[str, Floats]]]:
    """Everything from the samples to the table, and the usual parts."""
    known = usual(found)
    own = _own(found)
    tried = trials(found, known, own)
    table = Protected(
        command=COMMAND,
        model=WEIGHTS,
        model_sha256=weights.row(WEIGHTS).sha256,
        calibrated_on="people of LFW, and swaps made of their photos",
        n=sum(one.kind in likelihood.KINDS for one in tried),
        weights=(),
        intercepts=(),
        own=round(own, 4),
        own_pairs=OWN_PAIRS,
        forensic_weight=FORENSIC_WEIGHT,
        lines=region_lines(tried),
        probability_range=PROBABILITY_RANGE,
        figures={},
    )
    return _fitted(table, tried).model_copy(update={"figures": figures(tried, table)}), known


def _fitted(table: Protected, tried: Sequence[Trial]) -> Protected:
    slopes, intercepts = fit(tried)
    rows = tuple(tuple(round(float(value), 4) for value in row) for row in slopes)
    return table.model_copy(
        update={"weights": rows, "intercepts": tuple(round(float(value), 4) for value in intercepts)}
    )


def _own(found: Sequence[Sample]) -> float:
    """Mean cosine of two photos of one person."""
    real = [one for one in found if one.kind == "real"]
    pairs = [
        float(a.seen.embedding @ b.seen.embedding)
        for place, a in enumerate(real)
        for b in real[place + 1 :]
        if a.person == b.person
    ]
    return float(np.mean(pairs))


def figures(tried: Sequence[Trial], table: Protected) -> dict[str, dict[str, float]]:
    """On people that the fit did not see, halves exchanged: how well likeness alone tells the kinds apart, and what is
    said of each kind when the pixels are weighed too."""
    people, high = sorted({one.person for one in tried}), ensemble.stack().high
    alone: dict[str, list[float]] = {}
    said: dict[str, list[str]] = {kind: [] for kind in TRIED}
    for part in (0, 1):
        unseen = set(people[part::2])
        fitted = _fitted(table, [one for one in tried if one.person not in unseen])
        check = [one for one in tried if one.person in unseen]
        chances = [fitted.probabilities(likelihood.features(one.found, one.own), None) for one in check]
        for name, value in _alone(np.array([one.kind for one in check]), chances).items():
            alone.setdefault(name, []).append(value)
        for one in check:
            weighed = fitted.probabilities(likelihood.features(one.found, one.own), one.forgery)
            witness = one.forgery is not None and one.forgery >= high
            said[one.kind].append(likelihood.finding(weighed, witness=witness))
            said.setdefault(f"{one.kind}, the most likely", []).append(likelihood.likeliest(weighed))
    return {
        "likeness alone, other people": {name: round(float(np.mean(values)), 4) for name, values in alone.items()},
        **{f"said of {kind}": _shares(findings) for kind, findings in said.items()},
        "trials": {kind: float(len(said[kind])) for kind in TRIED},
    }


def _alone(kinds: npt.NDArray[np.str_], chances: Sequence[Mapping[str, float]]) -> dict[str, float]:
    told = np.array([max(likelihood.KINDS[:3], key=lambda kind: one[kind]) for one in chances])
    found = {f"{kind} told rightly": float(np.mean(told[kinds == kind] == kind)) for kind in likelihood.KINDS[:3]}
    genuine = np.array([one["genuine"] for one in chances])
    for kind in TRIED[1:]:
        here = np.isin(kinds, ["genuine", kind])
        found[f"AUC genuine and {kind}"] = auc(genuine[here], np.asarray(kinds[here] == "genuine", np.bool_)) or 0.0
    return found


def _shares(findings: Sequence[str]) -> dict[str, float]:
    counted = Counter(findings)
    return {name: round(counted[name] / len(findings), 4) for name in FINDINGS if counted[name]}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status (2 for unusable arguments)."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Calibrate verify_protected_identity.")
    parser.add_argument("--data", type=Path, required=True, help="folder with identity/ and landmarks/")
    parser.add_argument("--cache", type=Path, required=True, help="file for what was measured (.npz), made if missing")
    parser.add_argument("--out", type=Path, required=True, help=f"folder for {likelihood.TABLE} and {likelihood.USUAL}")
    options = parser.parse_args(argv)
    try:
        table, known = calibrate(samples(options.data, options.cache))
    except FaceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, row in table.figures.items():
        sys.stdout.write(f"{name}: {', '.join(f'{key} {value:g}' for key, value in row.items())}\n")
    (options.out / likelihood.TABLE).write_text(table.model_dump_json(indent=1) + "\n", encoding="utf-8")
    rounded: dict[str, Any] = {
        f"{name}_{key}": value.astype(np.float16) for name, row in known.items() for key, value in row.items()
    }
    np.savez_compressed(options.out / likelihood.USUAL, **rounded)
    return 0


if __name__ == "__main__":
    sys.exit(main())
