"""Makes the calibration of identify_person: from which likeness on somebody is named, by the gallery's size.

    python -m faceagent_finetune.nets.calibrate_identity --data DIR --cache FILE --out FOLDER

Galleries of one photo a person and strangers of whom no photo is in them are drawn at random from the people of LFW
that the split of the forensic network calls train; all is fitted there and checked on the others. A line is the
similarity that at most the stated share of strangers reaches with the most alike template. Beyond the largest gallery
that LFW has people for, lines rise as the tail of all pairs of two people falls; how well that holds is checked where
it can be, by extrapolating from galleries of a quarter of the size.

LFW's people are of many kinds, so that strangers here are less alike than in a gallery of people of one family, village
or perceived ethnicity (calibrate_compare measures how much).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.errors import FaceAgentError
from faceagent_finetune.nets import embedded_sets as sets
from faceagent_finetune.nets import score_calibration as scores
from faceagent_finetune.nets.embedded_sets import EmbeddedSets, Floats, Found
from faceagent_finetune.nets.forensic.crops import SOURCES
from faceagent_tools import similarity, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.identity import openset
from faceagent_tools.identity.openset import OpenSet, Size
from faceagent_tools.identity.templates import DUPLICATE
from faceagent_tools.trunk import WEIGHTS

Names = npt.NDArray[np.str_]
COMMAND = "python -m faceagent_finetune.nets.calibrate_identity"
SEED = 0
RATES = (1e-1, 1e-2, 1e-3)
SIZES = (1, 3, 10, 30, 100, 300)
ROUNDS = 60
"""Galleries drawn of each size."""
_STRANGERS = 200  # looked up in each gallery
_TAIL = (1e-4, 1e-2)  # shares of pairs between which the tail is fitted
PROBABILITY_RANGE = (0.001, 0.999)


def split(found: Found) -> tuple[Found, Found]:
    """Those that lines are fitted on, and those that they are checked on; no person in both."""
    val = np.array([SOURCES["lfw_images"].val({"name": name}) for name in found.column("key")])
    return found.part(~val), found.part(val)


def likeness(found: Found) -> Floats:
    return similarity.all_pairs(found.embeddings, similarity.cohort(), similarity.table().nearest)


def looked_up(alike: Floats, people: Names, size: int, seed: int) -> Floats:
    """The likeness of strangers to the most alike of `size` templates, over many galleries: [ROUNDS * strangers]."""
    generator, names = np.random.default_rng([seed, size]), np.unique(people)
    best = []
    for _ in range(ROUNDS):
        order = generator.permutation(names)
        enrolled = np.array([generator.choice(np.flatnonzero(people == name)) for name in order[:size]])
        strangers = np.flatnonzero(np.isin(people, order[size:]))
        chosen = generator.choice(strangers, min(_STRANGERS, strangers.size), replace=False)
        best.append(alike[np.ix_(chosen, enrolled)].max(axis=1))
    return np.concatenate(best)


def sizes(alike: Floats, people: Names, most: int, seed: int) -> tuple[Size, ...]:
    """Lines by size and rate."""
    made = []
    for size in (size for size in SIZES if size <= most):
        best = looked_up(alike, people, size, seed)
        made.append(Size(templates=size, lines={f"{rate:g}": scores.upper_line(best, rate) for rate in RATES}))
    return tuple(made)


def pairs(alike: Floats, people: Names) -> tuple[Floats, Floats]:
    """Similarities of all pairs of one person, and of two."""
    left, right = np.triu_indices(len(alike), 1)
    same, values = people[left] == people[right], alike[left, right]
    return values[same], values[~same]


def tail(impostor: Floats) -> tuple[float, float]:
    """Intercept and slope of the log of the share of pairs that reach a similarity, where few do."""
    shares = np.geomspace(*_TAIL, 20)
    at = np.quantile(impostor, 1 - shares)
    slope, intercept = np.polyfit(at, np.log(shares), 1)
    return float(intercept), float(slope)


def calibrate(source: EmbeddedSets, data: Path, seed: int) -> OpenSet:
    """Everything from LFW to the table."""
    portraits = sets.lfw(data)
    fitted_on, checked_on = split(Found.of(source.embed("lfw", portraits), portraits))
    alike, people = likeness(fitted_on), fitted_on.column("person")
    genuine, impostor = pairs(alike, people)
    model = scores.fit_logistic(genuine, impostor)
    table = OpenSet(
        command=COMMAND,
        model=WEIGHTS,
        model_sha256=weights.row(WEIGHTS).sha256,
        calibrated_on="LFW, the people of its train split",
        people=np.unique(people).size,
        photos=len(people),
        sizes=sizes(alike, people, np.unique(people).size // 2, seed),
        tail=tail(impostor),
        pair_intercept=model.intercept,
        pair_slope=model.slope,
        probability_range=PROBABILITY_RANGE,
        genuine_pairs=genuine.size,
        impostor_pairs=impostor.size,
        figures={},
    )
    return table.model_copy(update={"figures": figures(table, alike, fitted_on, checked_on, seed)})


def figures(
    table: OpenSet, alike: Floats, fitted_on: Found, checked_on: Found, seed: int
) -> dict[str, dict[str, float]]:
    """What the lines are worth on other people, and what extrapolation does where it can be seen."""
    people = fitted_on.column("person")
    other, others = likeness(checked_on), checked_on.column("person")
    told = {"other people": {"people": float(np.unique(others).size), "photos": float(len(others))}}
    for size in (size.templates for size in table.sizes if size.templates <= np.unique(others).size // 2):
        best = looked_up(other, others, size, seed + 1)
        told["other people"] |= {
            f"{rate:g} stated, {size} templates": float(np.mean(best >= table.line(size, rate))) for rate in RATES
        }
        told[f"closed set, {size} people"] = closed(table, other, others, size, seed + 2)
    same = np.equal.outer(people, people) & ~np.eye(len(people), dtype=np.bool_)
    cosines = (fitted_on.embeddings @ fitted_on.embeddings.T)[same]
    told["copies"] = {"two photos of one person as alike as copies": float(np.mean(cosines >= DUPLICATE))}
    told["extrapolated"] = extrapolated(table, alike, people, seed + 3)
    return told


def closed(table: OpenSet, alike: Floats, people: Names, size: int, seed: int) -> dict[str, float]:
    """People with one photo enrolled and another looked up: first in rank, named at a rate of 0.01, calibration."""
    generator = np.random.default_rng([seed, size])
    several = [name for name in np.unique(people) if (people == name).sum() > 1]
    right, named, sure = [], [], []
    line = table.line(size)
    for _ in range(ROUNDS):
        chosen = generator.choice(several, min(size, len(several)), replace=False)
        rest = generator.permutation(np.setdiff1d(people, chosen))[: size - len(chosen)]
        probes = []
        enrolled = []
        for name in (*chosen, *rest):
            rows = generator.permutation(np.flatnonzero(people == name))
            enrolled.append(rows[0])
            probes += [(len(enrolled) - 1, rows[1])] if name in chosen else []
        for place, row in probes:
            found = alike[row, enrolled]
            best = int(found.argmax())
            right.append(best == place)
            named.append(best == place and found[best] >= line)
            sure.append(max(table.probabilities(np.sort(found)[-10:].tolist(), size)))
    return {
        "looked up": float(len(right)),
        "first in rank": float(np.mean(right)),
        "named at 0.01": float(np.mean(named)),
        "mean probability of the first": float(np.mean(sure)),
    }


def extrapolated(table: OpenSet, alike: Floats, people: Names, seed: int) -> dict[str, float]:
    """A line for the largest gallery made from the galleries of at most a quarter of it, and the rate it has."""
    largest = table.largest
    small = table.model_copy(
        update={"sizes": tuple(size for size in table.sizes if size.templates <= max(largest // 4, 1))}
    )
    best = looked_up(alike, people, largest, seed)
    return {
        "templates": float(largest),
        "from templates": float(small.largest),
        **{f"{rate:g} stated": float(np.mean(best >= small.line(largest, rate))) for rate in RATES},
    }


def lines_of_text(table: OpenSet) -> Iterator[str]:
    yield f"{'templates':>9}" + "".join(f"{rate:>10g}" for rate in RATES)
    for size in table.sizes:
        yield f"{size.templates:>9}" + "".join(f"{size.lines[f'{rate:g}']:>10.4f}" for rate in RATES)
    for count in (1_000, 100_000, 1_000_000):
        yield f"{count:>9}" + "".join(f"{table.line(count, rate):>10.4f}" for rate in RATES) + "  extrapolated"
    yield f"log share of pairs = {table.tail[0]:.2f} {table.tail[1]:+.2f} similarity"
    yield f"log likelihood ratio = {table.pair_intercept:.2f} {table.pair_slope:+.2f} similarity"
    for name, row in table.figures.items():
        yield f"{name}:"
        yield from (f"    {key}: {value:.5g}" for key, value in row.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status (2 for unusable arguments)."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Calibrate identify_person.")
    parser.add_argument("--data", type=Path, required=True, help="folder with identity/")
    parser.add_argument("--cache", type=Path, required=True, help="file for the embeddings, so that a re-run is cheap")
    parser.add_argument("--out", type=Path, required=True, help=f"folder for {openset.TABLE}")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(argv)
    try:
        source = EmbeddedSets(options.cache, FaceDetector(), _progress)
        table = calibrate(source, options.data, options.seed)
    except FaceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(lines_of_text(table)) + "\n")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / openset.TABLE).write_text(table.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return 0


def _progress(name: str, done: int, total: int) -> None:
    sys.stderr.write(f"{name}: {done} of {total}\n")


if __name__ == "__main__":
    sys.exit(main())
