"""Figures and curves of what came of labelled photos, for one row of a table: a generator, a set, or all of them.

Log loss, Brier score, calibration error and the reject option weigh authentic photos and forgeries alike, as the
probabilities that they judge hold at even odds. Everything is of the photos in which a face was found, the ones that
the tool would abstain from included, unless a name says otherwise; what no face was found in is counted beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import numpy as np

from faceagent.types import Interval
from faceagent_eval import classification, metrics
from faceagent_eval.benchmark import Figure
from faceagent_eval.classification import RiskCoverage
from faceagent_eval.forensic_look import ENSEMBLE, Seen
from faceagent_eval.metrics import Bools, Floats
from faceagent_finetune.nets import score_calibration
from faceagent_finetune.plot import Chart, line

ALL, UNFITTED = "all", "all, not calibrated on"
ALARMS = ("manipulated", "synthetic")
_ROUNDS = 500
Statistic = Callable[[Floats, Bools], float]


class Row:
    """The photos of one row.

    Args:
        name: of the row.
        seen: all of its photos, with a face or without.
    """

    def __init__(self, name: str, seen: Sequence[Seen]) -> None:
        self.name = name
        self.seen = [one for one in seen if one.outcome != "unreadable"]
        self.faces = [one for one in self.seen if one.outcome != "no face"]
        self.forged: Bools = np.array([one.item.forged for one in self.faces], np.bool_)
        self.outcomes = np.array([one.outcome for one in self.faces], np.str_)

    @property
    def both(self) -> bool:
        """Whether faces of both kinds are there, without which nothing can be ranked."""
        return bool(self.forged.any() and not self.forged.all())

    def scores(self, name: str = ENSEMBLE) -> Floats:
        return np.array([one.scores[name] for one in self.faces], np.float64)

    @cached_property
    def probability(self) -> Floats:
        return np.array([one.probability for one in self.faces], np.float64)

    @cached_property
    def rejecting(self) -> RiskCoverage:
        """Error of the more probable answer among the surest photos; those abstained from are the least sure."""
        odds = self.scores()
        sure = np.where(self.outcomes == "abstained", -1.0, np.abs(odds))
        return classification.risk_coverage(sure, (odds > 0) == self.forged, classification.evenly(self.forged))

    def interval(self, statistic: Statistic, values: Floats) -> Interval | None:
        """Of a statistic of values and labels; what was taken from one video, of one person, is drawn together.

        None where drawing again changes nothing, as with no false alarm at all: that it is nought is not so sure.
        """
        groups = [f"{one.item.group} {one.item.forged}" for one in self.faces]
        _, first, unit = np.unique(groups, return_index=True, return_inverse=True)
        members = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])

        def of(drawn: metrics.Labels) -> float:
            at = np.concatenate([members[number] for number in drawn])
            return statistic(values[at], self.forged[at])

        found = metrics.bootstrap(of, [np.arange(len(members))], self.forged[first], rounds=_ROUNDS)
        return Interval(low=found.low, high=found.high, level=found.level) if found.low < found.high else None


def rows(seen: Sequence[Seen]) -> list[Row]:
    """Each generator with the authentic photos of its set (all there are, where its set has none), each set that has no
    forgeries, everything, and everything that the calibration was not fitted on."""
    authentic = [one for one in seen if not one.item.forged]
    found = []
    for name in dict.fromkeys(one.item.set for one in seen):
        part = [one for one in seen if one.item.set == name]
        own = [one for one in part if not one.item.forged]
        made = dict.fromkeys(one.item.generator for one in part if one.item.forged)
        for generator in made:
            forged = [one for one in part if one.item.generator == generator]
            against = "" if own else " against other sets"
            found.append(Row(f"{name} {generator}{against}", [*(own or authentic), *forged]))
        if not made:
            found.append(Row(name, own))
    unfitted = [one for one in seen if one.item.split != "calibration"]
    found.append(Row(ALL, seen))
    return found if len(unfitted) in (0, len(seen)) else [*found, Row(UNFITTED, unfitted)]


def figures(row: Row) -> Iterator[Figure]:
    """All figures of a row."""
    for forged, kind in ((False, "authentic"), (True, "forged")):
        part = [one for one in row.seen if one.item.forged == forged]
        if part:
            found = float(np.mean([one.outcome != "no face" for one in part]))
            yield Figure(name=f"{row.name}: {kind} with a face found", value=found, n=len(part))
    if row.both:
        yield from _ranking(row)
        yield from _probabilities(row)
    if row.faces:
        yield from _answers(row)


def _ranking(row: Row) -> Iterator[Figure]:
    statistics: dict[str, Statistic] = {
        "AUC": auc,
        "EER": lambda scores, forged: metrics.eer(metrics.roc(scores, forged)),
        "AP": classification.average_precision,
    }
    scores, n = row.scores(), len(row.faces)
    for name, statistic in statistics.items():
        interval = row.interval(statistic, scores)
        note = f"chance is {row.forged.mean():.3f}" if name == "AP" else None
        value = statistic(scores, row.forged)
        yield Figure(name=f"{row.name}: {name}", value=value, interval=interval, n=n, note=note)
    videos: dict[tuple[str, bool], list[float]] = {}
    for one in row.faces:
        if one.item.frame:
            videos.setdefault((one.item.group, one.item.forged), []).append(one.scores[ENSEMBLE])
    labels = np.array([forged for _, forged in videos], np.bool_)
    if labels.any() and not labels.all():
        value = auc(np.array([np.mean(odds) for odds in videos.values()]), labels)
        yield Figure(
            name=f"{row.name}: AUC of videos", value=value, n=len(videos), note="mean log odds of their frames"
        )


def auc(scores: Floats, forged: Bools) -> float:
    return metrics.auc(metrics.roc(scores, forged))


def _probabilities(row: Row) -> Iterator[Figure]:
    forged, authentic, n = row.probability[row.forged], row.probability[~row.forged], len(row.faces)
    loss = score_calibration.log_loss(forged, authentic)
    gap = score_calibration.expected_calibration_error(forged, authentic)
    yield Figure(name=f"{row.name}: log loss", value=loss, unit="nats", n=n, note="chance is 0.693")
    yield Figure(name=f"{row.name}: Brier score", value=classification.brier(forged, authentic), n=n)
    yield Figure(name=f"{row.name}: calibration error (ECE)", value=gap, n=n)
    yield Figure(name=f"{row.name}: area under error over coverage", value=row.rejecting.area, n=n)


def _answers(row: Row) -> Iterator[Figure]:
    """Shares of authentic photos and forgeries by what the tool would say of them."""
    for forged, alarm, clear in ((False, "false alarms", "cleared"), (True, "found", "missed")):
        kind, of = ("forged" if forged else "authentic"), row.forged == forged
        if not of.any():
            continue
        shares = {
            alarm: np.isin(row.outcomes, ALARMS),
            clear: row.outcomes == "no_sign",
            f"{kind} left inconclusive": row.outcomes == "inconclusive",
            f"{kind} abstained from": row.outcomes == "abstained",
        }
        for name, chosen in shares.items():
            interval = row.interval(partial(_share, of=forged), chosen.astype(np.float64))
            value = float(chosen[of].mean())
            yield Figure(name=f"{row.name}: {name}", value=value, interval=interval, n=int(of.sum()))
    decided = np.isin(row.outcomes, (*ALARMS, "no_sign"))
    if row.both and decided.any():
        right = np.isin(row.outcomes, ALARMS)[decided] == row.forged[decided]
        yield Figure(name=f"{row.name}: accuracy where decided", value=float(right.mean()), n=int(decided.sum()))


def _share(hits: Floats, forged: Bools, of: bool) -> float:
    return float(hits[forged == of].mean())


def baselines(row: Row) -> Iterator[Figure]:
    """AUC of everything that has a score beside the ensemble, on the same photos."""
    if row.both:
        for name in row.faces[0].scores:
            if name != ENSEMBLE:
                value = auc(row.scores(name), row.forged)
                yield Figure(name=f"{row.name}: AUC of {name} alone", value=value, n=len(row.faces))


def charts(found: Sequence[Row]) -> dict[str, Chart]:
    """ROC, reliability, and error over coverage."""
    ranked = [row for row in found if row.both]
    curves = {row.name: metrics.roc(row.scores(), row.forged) for row in ranked}
    bins = {
        row.name: classification.reliability(row.probability, row.forged, classification.evenly(row.forged))
        for row in ranked
        if row.name in (ALL, UNFITTED)
    }
    return {
        "roc": Chart(
            title="Forgeries found over false alarms",
            x="share of authentic photos called forged",
            y="share of forgeries called forged",
            lines={name: line(curve.far, curve.tar) for name, curve in curves.items()},
            diagonal=True,
        ),
        "reliability": Chart(
            title="Reliability of the probability",
            x="predicted probability of a forgery",
            y="observed share of forgeries, at even odds",
            lines={name: line(one.predicted, one.observed) for name, one in bins.items()},
            diagonal=True,
        ),
        "coverage": Chart(
            title="Error over coverage",
            x="share of photos that are answered, the surest first",
            y="share of wrong answers among them",
            lines={row.name: line(row.rejecting.coverage, row.rejecting.risk) for row in ranked},
            ys=(0.0, 0.5),
        ),
    }
