"""Makes the calibration of compare_faces: cohort, decision lines, probability, and how often groups are confused.

    python -m faceagent_finetune.nets.calibrate_compare --data DIR --cache FILE --out FOLDER
    python -m faceagent_finetune.nets.calibrate_compare --data DIR --cache FILE --check --detector dlib

The second holds the calibration that ships against the faces that another detector finds.

Genuine pairs: all pairs of one person in LFW. Impostor pairs: adults of one perceived race and gender in FairFace,
where every photo is taken to show another person; each of the 14 groups counts alike. This is the population that a
doubtful pair comes from, and a harder one than random pairs: those of LFW are reported beside. The cohort is disjoint
from all of them. Faces in profile are left out, as the tool leaves them out. Held-out figures come from a fit on one
half of the people and a check on the other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceagent.errors import FaceAgentError, MissingExtra
from faceagent_finetune.nets import embedded_sets as sets
from faceagent_finetune.nets import score_calibration as scores
from faceagent_finetune.nets import small_faces
from faceagent_finetune.nets.embedded_sets import EmbeddedSets, Floats, Found
from faceagent_tools import similarity, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import CHOICES
from faceagent_tools.similarity import Line, Table
from faceagent_tools.trunk import WEIGHTS

COMMAND = "python -m faceagent_finetune.nets.calibrate_compare"
SEED = 0
CENTRES = 384
FEWEST = 5
"""Members of a cohort centre: an average of fewer would come near to one person's template."""
NEAREST = 5
RATES = (1e-2, 1e-3, 1e-4)
MISS_RATE = 0.01
FEWEST_PAIRS = 5
"""A rate is stated only where it means at least so many pairs."""
PROBABILITY_RANGE = (0.001, 0.999)
"""Some 300 people and a few tests of independence cannot show more."""
_RACES = {"Latino_Hispanic": "Latino or Hispanic"}
_PEOPLE = {"female": "women", "male": "men"}


@dataclass(frozen=True)
class Material:
    """Similarities. genuine, mixed: LFW pairs of one person, of two. groups: FairFace pairs by group."""

    genuine: Floats
    mixed: Floats
    groups: dict[str, Floats]

    @property
    def adults(self) -> dict[str, Floats]:
        return {name: part for name, part in self.groups.items() if name not in ("children", "teenagers")}


def cohort_of(embeddings: Floats, seed: int) -> Floats:
    """Average faces: k-means centres of length 1, [K, 128] float16, those of fewer than `FEWEST` faces left out.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        # Imported where used: it is an optional package.
        from sklearn.cluster import KMeans
    except ModuleNotFoundError:
        raise MissingExtra("Clustering the cohort", "eval") from None
    found = KMeans(CENTRES, n_init=1, random_state=seed).fit(embeddings)
    large = np.bincount(found.labels_, minlength=CENTRES) >= FEWEST
    return similarity.unit(found.cluster_centers_[large]).astype(np.float16)


def material(lfw: Found, fairface: Found, averages: Floats) -> Material:
    """The similarities of all pairs."""
    matrix = similarity.all_pairs(lfw.embeddings, averages, NEAREST)
    left, right = np.triu_indices(len(matrix), 1)
    people = lfw.column("person")
    same = people[left] == people[right]
    values = matrix[left, right]
    return Material(
        values[same], values[~same], _by_group(fairface, similarity.all_pairs(fairface.embeddings, averages, NEAREST))
    )


def _by_group(found: Found, matrix: Floats) -> dict[str, Floats]:
    """Pairs within one race, gender and stage of life; those of children and of teenagers in one part each."""
    parts: dict[str, list[Floats]] = {}
    race, gender = found.column("race"), found.column("gender")
    stages = np.array([sets.stage(age) for age in found.column("age")])
    names = {"child": "children", "teen": "teenagers"}
    for key in sorted(set(zip(race, gender, stages, strict=True))):
        members = np.flatnonzero((race == key[0]) & (gender == key[1]) & (stages == key[2]))
        left, right = np.triu_indices(members.size, 1)
        name = names.get(key[2], f"{_RACES.get(key[0], key[0])} {_PEOPLE[key[1]]}")
        parts.setdefault(name, []).append(matrix[members[left], members[right]])
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}


def lines(found: Material) -> tuple[Line, ...]:
    """The decision lines at each rate: on average over the adult groups, and for the worst of them."""
    made = []
    for rate in RATES:
        made.append(_line(found, rate, scores.upper_line_of_groups(found.adults, rate), strict=False))
        if min(part.size for part in found.adults.values()) * rate >= FEWEST_PAIRS:
            worst = max(scores.upper_line(part, rate) for part in found.adults.values())
            made.append(_line(found, rate, worst, strict=True))
    return tuple(made)


def _line(found: Material, rate: float, at: float, *, strict: bool) -> Line:
    return Line(
        false_match_rate=rate,
        strict=strict,
        similarity=at,
        mixed_rate=float(np.mean(found.mixed >= at)),
        true_match_rate=float(np.mean(found.genuine >= at)),
        groups=scores.rates(found.groups, at),
    )


def fitted(found: Material) -> scores.Logistic:
    """The probability of one person, each group of impostor pairs weighing alike."""
    return scores.fit_logistic(found.genuine, *_weighed(found.adults))


def _weighed(groups: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    parts = list(groups.values())
    return np.concatenate(parts), np.concatenate([np.full(part.size, 1 / part.size) for part in parts])


def held_out(lfw: Found, fairface: Found, averages: Floats, seed: int) -> dict[str, float]:
    """Fit on half of the people, check on the other half, and the other way round: means of both."""
    generator = np.random.default_rng(seed)
    people = lfw.column("person")
    names = np.unique(people)
    first = np.isin(people, generator.choice(names, names.size // 2, replace=False))
    first_faces = generator.random(len(fairface.embeddings)) < 0.5
    halves = [
        material(lfw.part(a), fairface.part(b), averages) for a, b in ((first, first_faces), (~first, ~first_faces))
    ]
    checks = [_check(halves[0], halves[1]), _check(halves[1], halves[0])]
    return {name: float(np.mean([check[name] for check in checks])) for name in checks[0]}


def _check(fit_on: Material, check_on: Material) -> dict[str, float]:
    model = fitted(fit_on)
    impostor, weighing = _weighed(check_on.adults)
    predicted = model(check_on.genuine), model(impostor), weighing
    line = scores.upper_line_of_groups(fit_on.adults, 1e-3)
    return {
        "log_loss": scores.log_loss(*predicted),
        "expected_calibration_error": scores.expected_calibration_error(*predicted),
        "log_loss_mixed_impostors": scores.log_loss(predicted[0], model(check_on.mixed)),
        "false_match_rate_at_1e-3": float(np.mean(list(scores.rates(check_on.adults, line).values()))),
        "true_match_rate_at_1e-3": float(np.mean(check_on.genuine >= line)),
    }


def vip_check(vip: Found, averages: Floats, table: Table) -> dict[str, float]:
    """One protected person against itself and against 60 others, in photos that no line was drawn from."""
    matrix = similarity.all_pairs(vip.embeddings, averages, NEAREST)
    own = np.flatnonzero(vip.column("relation") == "r_r_i")
    others = np.flatnonzero(vip.column("relation") == "r_r_d_i")
    left, right = np.triu_indices(own.size, 1)
    genuine, impostor = matrix[own[left], own[right]], matrix[np.ix_(own, others)].ravel()
    at = table.line(similarity.DEFAULT_RATE).similarity
    model = scores.Logistic(table.intercept, table.slope)
    return {
        "genuine_pairs": genuine.size,
        "impostor_pairs": impostor.size,
        "true_match_rate_at_1e-3": float(np.mean(genuine >= at)),
        "false_match_rate_at_1e-3": float(np.mean(impostor >= at)),
        "log_loss": scores.log_loss(model(genuine), model(impostor)),
        "lowest_genuine_probability": float(model(genuine).min()),
        "highest_impostor_probability": float(model(impostor).max()),
    }


def calibrate(source: EmbeddedSets, data: Path, detector: FaceDetector, seed: int) -> tuple[Table, Floats]:
    """Everything from the data sets to the table and the cohort."""
    vip, lfw, fairface = sets.vip(data), sets.lfw(data), sets.fairface(data)
    for_cohort, for_test = sets.fairface_halves(fairface, seed)
    lfw_rows = source.embed("lfw", lfw)
    known, protected = Found.of(lfw_rows, lfw), Found.of(source.embed("vip", vip), vip)
    tested = Found.of(source.embed("fairface", for_test), for_test)
    members = Found.of(source.embed("fairface", for_cohort), for_cohort)
    # What ships is rounded; measure with that.
    averages = similarity.unit(cohort_of(members.embeddings, seed).astype(np.float64))
    found = material(known, tested, averages)
    model, drawn = fitted(found), lines(found)
    usual = next(line for line in drawn if line.false_match_rate == 1e-3 and not line.strict)
    sizes = small_faces.errors_by_size(source, lfw, lfw_rows, averages, NEAREST, usual.similarity)
    table = Table(
        command=COMMAND,
        model=WEIGHTS,
        model_sha256=weights.row(WEIGHTS).sha256,
        detector=detector.method.name,
        seed=seed,
        nearest=NEAREST,
        lines=drawn,
        miss_rate=MISS_RATE,
        different_below=float(np.quantile(found.genuine, MISS_RATE)),
        intercept=model.intercept,
        slope=model.slope,
        probability_range=PROBABILITY_RANGE,
        calibrated_on="LFW (one person) and FairFace (different people of one perceived race and gender)",
        genuine_pairs=found.genuine.size,
        impostor_pairs=sum(part.size for part in found.adults.values()),
        mixed_pairs=found.mixed.size,
        group_pairs={name: part.size for name, part in found.groups.items()},
        smallest_eye_distance=small_faces.smallest_fit(sizes),
        figures={
            "held out": held_out(known, tested, averages, seed),
            "without the cohort": plain(known, tested),
            "portraits": {
                "LFW": len(known.labels),
                "LFW people": np.unique(known.column("person")).size,
                "FairFace tested": len(tested.labels),
                "FairFace cohort": len(members.labels),
                "average faces": len(averages),
            },
            **{f"eyes {target} px apart": row for target, row in sizes.items()},
        },
    )
    figures = {**table.figures, "VIPBench, one person": vip_check(protected, averages, table)}
    return table.model_copy(update={"figures": figures}), averages


def check(source: EmbeddedSets, data: Path, seed: int) -> Iterator[str]:
    """The calibration that ships, on the faces that this source finds."""
    table, averages = similarity.table(), similarity.cohort()
    lfw, (_, for_test) = sets.lfw(data), sets.fairface_halves(sets.fairface(data), seed)
    tested = Found.of(source.embed("fairface", for_test), for_test)
    found = material(Found.of(source.embed("lfw", lfw), lfw), tested, averages)
    for line in table.lines:
        now = _line(found, line.false_match_rate, line.similarity, strict=line.strict)
        adults = {name: now.groups[name] for name in found.adults}
        worst = max(adults, key=lambda name: adults[name])
        yield (
            f"stated {line.false_match_rate:g}{' strict' if line.strict else ''}: "
            f"mean of the groups {np.mean(list(adults.values())):.5f}, worst {adults[worst]:.5f} ({worst}), "
            f"any two in LFW {now.mixed_rate:.6f}, one person {now.true_match_rate:.4f}"
        )
    model = scores.Logistic(table.intercept, table.slope)
    impostor, weighing = _weighed(found.adults)
    predicted = model(found.genuine), model(impostor), weighing
    yield f"log loss {scores.log_loss(*predicted):.4f}"
    yield f"expected calibration error {scores.expected_calibration_error(*predicted):.4f}"
    yield f"genuine pairs called different {np.mean(found.genuine < table.different_below):.4f}"


def plain(lfw: Found, fairface: Found) -> dict[str, float]:
    """The same lines on the bare cosine, to show what the cohort is good for."""
    nothing = np.zeros((NEAREST, lfw.embeddings.shape[1]))
    bare = material(lfw, fairface, nothing)
    on_average = scores.upper_line_of_groups(bare.adults, 1e-3)
    on_lfw = scores.upper_line(bare.mixed, 1e-3)
    return {
        "true match rate at 1e-3 on average over the groups": float(np.mean(bare.genuine >= on_average)),
        "true match rate at 1e-3 on LFW": float(np.mean(bare.genuine >= on_lfw)),
        **{f"{name} at 1e-3 on LFW": rate for name, rate in scores.rates(bare.groups, on_lfw).items()},
    }


def lines_of_text(table: Table) -> Iterator[str]:
    """The decision lines by group, then the figures."""
    heads = [f"{line.false_match_rate:g}{' strict' if line.strict else ''}" for line in table.lines]
    yield f"{'false match rate stated':<28}{'pairs':>9}" + "".join(f"{head:>13}" for head in heads)
    for group, count in table.group_pairs.items():
        yield f"{group:<28}{count:>9}" + "".join(f"{line.groups[group]:>13.5f}" for line in table.lines)
    yield f"{'any two in LFW':<28}{table.mixed_pairs:>9}" + "".join(f"{line.mixed_rate:>13.6f}" for line in table.lines)
    yield f"{'one person (LFW)':<28}{table.genuine_pairs:>9}" + "".join(
        f"{line.true_match_rate:>13.4f}" for line in table.lines
    )
    yield f"{'similarity':<37}" + "".join(f"{line.similarity:>13.4f}" for line in table.lines)
    yield f"different below {table.different_below:.4f}, where {table.miss_rate:g} of the genuine pairs lie"
    yield f"P = 1 / (1 + exp(-({table.intercept:.3f} + {table.slope:.3f} similarity)))"
    yield f"smallest eye distance {table.smallest_eye_distance:g} px"
    for name, figures in table.figures.items():
        yield f"{name}:"
        yield from (f"    {key}: {value:.5g}" for key, value in figures.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status (2 for unusable arguments)."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Calibrate compare_faces.")
    parser.add_argument("--data", type=Path, required=True, help="folder with identity/ and attributes/")
    parser.add_argument("--cache", type=Path, required=True, help="file for the embeddings, so that a re-run is cheap")
    parser.add_argument("--out", type=Path, help=f"folder for {similarity.TABLE} and its cohort")
    parser.add_argument("--detector", default="auto", help=f"one of {', '.join(CHOICES)}")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--check", action="store_true", help="hold the calibration that ships against the data")
    options = parser.parse_args(argv)
    if options.check == (options.out is not None):
        parser.error("give either --out or --check")
    try:
        detector = FaceDetector(options.detector)
        source = EmbeddedSets(options.cache, detector, _progress)
        if options.check:
            sys.stdout.write("\n".join(check(source, options.data, options.seed)) + "\n")
            return 0
        table, averages = calibrate(source, options.data, detector, options.seed)
    except FaceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(lines_of_text(table)) + "\n")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / similarity.TABLE).write_text(table.model_dump_json(indent=1) + "\n", encoding="utf-8")
    np.save(options.out / similarity.COHORT, averages.astype(np.float16))
    return 0


def _progress(name: str, done: int, total: int) -> None:
    sys.stderr.write(f"{name}: {done} of {total}\n")


if __name__ == "__main__":
    sys.exit(main())
