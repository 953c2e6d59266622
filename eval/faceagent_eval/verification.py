"""Figures that every verification benchmark gives: by its own pairs, and over all pairs of its images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceagent.types import Interval
from faceagent_eval import metrics, sampling
from faceagent_eval.benchmark import Figure, ItemScore
from faceagent_eval.figures import proportion
from faceagent_finetune.plot import Chart, line
from faceagent_tools import similarity
from faceagent_tools.embedding import Embedding, distance
from faceagent_tools.similarity import DEFAULT_RATE

_ROUNDS = 1000


@dataclass(frozen=True)
class Pair:
    """Two image names, whether they show one person, and the fold that the pair belongs to."""

    fold: str
    a: str
    b: str
    same: bool


def by_pairs(pairs: Sequence[Pair], embeddings: Mapping[str, Embedding]) -> Iterator[Figure]:
    """k-fold accuracy, AUC, EER and TAR at two FARs on the pairs of the protocol, each with a bootstrap interval."""
    scores, same, folds = _columns(pairs, embeddings)

    def interval(statistic: Callable[..., float], *columns: metrics.Labels) -> Interval:
        found = metrics.bootstrap(statistic, columns, same, rounds=_ROUNDS)
        return Interval(low=found.low, high=found.high, level=found.level)

    result = metrics.kfold_accuracy(scores, same, folds)
    # The thresholds stay as the protocol chose them; what varies from round to round is the pairs.
    right = _right(scores, same, folds)
    by_fold = ", ".join(f"{value:.4f}" for value in result.accuracies)
    yield Figure(
        name="accuracy",
        value=result.mean,
        interval=interval(lambda column: float(np.mean(column)), right),
        n=len(pairs),
        note=f"by fold {by_fold}; standard deviation {result.std:.4f}",
    )
    yield Figure(
        name="auc",
        value=metrics.auc(metrics.roc(scores, same)),
        interval=interval(lambda s, y: metrics.auc(metrics.roc(s, y)), scores, same),
        n=len(pairs),
    )
    yield Figure(
        name="eer",
        value=metrics.eer(metrics.roc(scores, same)),
        interval=interval(lambda s, y: metrics.eer(metrics.roc(s, y)), scores, same),
        n=len(pairs),
    )
    impostors = int(np.count_nonzero(~same))
    for far in (1e-2, 1e-3):
        tar, threshold = metrics.tar_at_far(scores[same], scores[~same], far)
        note = f"{int(far * impostors + 1e-9)} of {impostors} impostor pairs pass; distance {-threshold:.4f}"
        yield Figure(
            name=f"tar_at_far_{far:.0e}",
            value=tar,
            interval=interval(lambda s, y, far=far: metrics.tar_at_far(s[y], s[~y], far)[0], scores, same),
            n=len(pairs),
            note=note,
        )


def thinned(pairs: Sequence[Pair], limit: int | None) -> tuple[Pair, ...]:
    """At most so many genuine and so many impostor pairs, evenly spread over all folds."""
    kept = sampling.thinned(range(len(pairs)), limit, by=lambda place: pairs[place].same)
    return tuple(pairs[place] for place in sorted(kept))


def item_scores(pairs: Sequence[Pair], embeddings: Mapping[str, Embedding]) -> Iterator[ItemScore]:
    """Of each pair its likeness (the distance, negated), and whether it is told rightly at its fold's threshold.

    A pair with an image that could not be read has neither.
    """
    known = [pair for pair in pairs if pair.a in embeddings and pair.b in embeddings]
    scores, same, folds = _columns(known, embeddings)
    right = _right(scores, same, folds)
    found = dict(zip(known, zip(scores.tolist(), right.tolist(), strict=True), strict=True))
    for number, pair in enumerate(pairs):
        score, hit = found.get(pair, (None, None))
        yield ItemScore(id=f"pair {number}", of="same person", label=pair.same, score=score, right=hit)


def _right(scores: metrics.Floats, same: metrics.Bools, folds: metrics.Labels) -> metrics.Bools:
    """Whether each pair is on the right side of the threshold that the other folds chose for its own."""
    result = metrics.kfold_accuracy(scores, same, folds)
    cuts = dict(zip(np.unique(folds), result.thresholds, strict=True))
    return np.asarray((scores >= np.array([cuts[fold] for fold in folds])) == same)


def accuracy_if_wrong(pairs: Sequence[Pair], embeddings: Mapping[str, Embedding], undetected: frozenset[str]) -> Figure:
    """The k-fold accuracy with every pair of an image in which no face was found counted as wrong."""
    scores, same, folds = _columns(pairs, embeddings)
    found = np.array([pair.a not in undetected and pair.b not in undetected for pair in pairs])
    note = f"{int(np.count_nonzero(~found))} pairs with an image in which no face was found"
    return proportion("accuracy_undetected_wrong", _right(scores, same, folds) & found, note)


def findings(pairs: Sequence[Pair], embeddings: Mapping[str, Embedding]) -> Iterator[Figure]:
    """What compare_faces says of the pairs at its default false match rate, and how good its probabilities are."""
    table = similarity.table()
    alike = np.array([similarity.similarity(embeddings[pair.a], embeddings[pair.b]) for pair in pairs])
    found = np.array([table.finding(value, DEFAULT_RATE) for value in alike])
    for name, same in (("one_person", True), ("two_people", False)):
        mine = found[[pair.same is same for pair in pairs]]
        for finding in ("supported", "undecided", "not_supported"):
            yield proportion(f"{name}_{finding}", mine == finding)
    likelihood = [
        table.probability(value) if pair.same else 1 - table.probability(value)
        for pair, value in zip(pairs, alike, strict=True)
    ]
    yield Figure(
        name="log_loss",
        value=float(-np.mean(np.log(likelihood))),
        unit="nats",
        n=len(pairs),
        note="of compare_faces's probabilities, which were fitted to LFW folds 1-2 and FairFace; chance is 0.693",
    )


def over_all(embeddings: Mapping[str, Embedding], person: Callable[[str], str]) -> Iterator[Figure]:
    """TAR at small FARs over all pairs of the images, which the few impostor pairs of a protocol cannot show.

    Args:
        person: the person's name, by image name.
    """
    stacked = np.stack(list(embeddings.values()))
    _, people = np.unique([person(name) for name in embeddings], return_inverse=True)
    left, right = np.triu_indices(len(people), 1)
    scores = (stacked @ stacked.T)[left, right]
    same = people[left] == people[right]
    genuine, impostor = scores[same], scores[~same]
    for far in (1e-2, 1e-3, 1e-4):
        if not genuine.size or far * impostor.size < 10:
            continue
        tar, threshold = metrics.tar_at_far(genuine, impostor, far)
        yield Figure(
            name=f"all_pairs_tar_at_far_{far:.0e}",
            value=tar,
            n=int(scores.size),
            note=f"{genuine.size} genuine pairs; distance {np.sqrt(max(0.0, 2 - 2 * threshold)):.4f}",
        )


def det(pairs: Sequence[Pair], embeddings: Mapping[str, Embedding]) -> Chart:
    """How many genuine pairs are missed (FNMR) over how many impostor pairs pass (FMR), ISO/IEC 19795-1."""
    scores, same, _ = _columns(pairs, embeddings)
    curve = metrics.roc(scores, same)
    seen = curve.far >= 1 / max(int(np.count_nonzero(~same)), 1)
    far, missed = np.log10(curve.far[seen]), 1 - curve.tar[seen]
    return Chart(
        title="Missed genuine pairs over passing impostors (DET)",
        x="log10 of the false match rate",
        y="false non-match rate",
        lines={"pairs of the protocol": line(far, missed)},
        xs=(float(np.floor(far.min(initial=0.0))), 0.0),
        ys=(0.0, max(float(np.ceil(20 * missed.max(initial=0.0)) / 20), 0.05)),
    )


def _columns(
    pairs: Sequence[Pair], embeddings: Mapping[str, Embedding]
) -> tuple[metrics.Floats, metrics.Bools, metrics.Labels]:
    scores = np.array([-distance(embeddings[pair.a], embeddings[pair.b]) for pair in pairs])
    return scores, np.array([pair.same for pair in pairs]), np.array([pair.fold for pair in pairs])
