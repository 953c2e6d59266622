"""FER+, RAF-DB, AffectNet, Aff-Wild2 (ABAW) and EmoNet-Face HQ as published: expressions, valence and arousal.

See `expression_sets` for their layouts and parts. The face is that nearest to the middle, in the product's own
detection; what the network reads counts, also where the tool would abstain, and figures are of the photos with a face.
The answer is the likeliest expression of those that the set has and the product has a word for. Macro F1 is over all
classes that occur, as ABAW counts it: "other", which the product never says, is one of them. Concordance (CCC) of
valence and arousal, of which ABAW quotes the mean, needs a network that reads them: HSEmotion does, the embedded one
does not. Of EmoNet-Face the product knows seven emotions of forty: Spearman's rank correlation of each probability with
the experts' mean rating (0-7), emotion by emotion.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent.types import Method
from faceagent_eval import agreement, fairness
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.expression_sets import LAYOUT, SETS, Labelled, encoded
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.metrics import Floats
from faceagent_eval.photo_sets import PhotoBenchmark, Seen, enlarged, nearest_middle
from faceagent_finetune.corpus.labelled import LabelMissing
from faceagent_tools import hsemotion
from faceagent_tools.hsemotion import HSEmotion
from faceagent_tools.multitask import EMOTIONS

SCALES = ("valence", "arousal")
_ROUNDS = 500


@dataclass(frozen=True)
class Read:
    """shares: by expression, summing to 1. valence, arousal: -1 to 1, None where the network does not read them."""

    shares: Mapping[str, float]
    valence: float | None = None
    arousal: float | None = None

    def look(self, among: Sequence[str]) -> str:
        """The likeliest expression of some."""
        return max(among, key=self.shares.__getitem__)


class Expressions(PhotoBenchmark[Labelled, Read]):
    """See the module. The backend is what reads; the product's default detector finds."""

    name = "expressions"
    about = "FER+, RAF-DB, AffectNet, Aff-Wild2 (ABAW), EmoNet-Face HQ: expressions, valence and arousal"
    layout = LAYOUT
    backends = ("faceagent-multitask", "hsemotion")
    headline = ("face found", "accuracy", "macro F1", "CCC", "mean rank correlation")

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        named = os.environ.get(hsemotion.VARIABLE)
        if self.backend == "hsemotion" and not named:
            raise UsageError("The backend hsemotion needs its model file", f"To have it, {hsemotion.HOW}")
        self._published = HSEmotion(Path(named or "")) if self.backend == "hsemotion" else None

    @property
    def finder(self) -> str:
        return "auto"

    def items(self) -> Sequence[Labelled]:
        there = [self.data / folder for folder in SETS if (self.data / folder).is_dir()]
        rows = [row for root in there for row in SETS[root.name](self, root)]
        self._unlabelled = sum(isinstance(row, LabelMissing) for row in rows)
        return self.chosen(row for row in rows if isinstance(row, Labelled))

    def measured_data(self, items: Sequence[Labelled]) -> Iterator[object]:
        """A file that holds many photos counts once, and not again with each of them."""
        for item in items:
            yield item if item.place is None else replace(item, photo=Path(f"{item.photo.name} {item.place}"))
        yield from dict.fromkeys(item.photo for item in items if item.place is not None)

    def opened(self, item: Labelled) -> Photo:
        return super().opened(item) if item.place is None else Photo.open(encoded(item, item.place))

    def named(self, item: Labelled) -> str:
        return super().named(item) + ("" if item.place is None else f", {item.place}")

    def look(self, item: Labelled, photo: Photo) -> Read | None:
        shown = enlarged(photo)
        face = nearest_middle(self.detector.detect(shown, "image 1"), shown)
        if face is None:
            return None
        if self._published is not None:
            found = self._published.read(shown, face)
            return Read(found.shares, found.valence, found.arousal)
        shares = self.reader.read_photo(shown, face).emotions.tolist()
        return Read(dict(zip(EMOTIONS, shares, strict=True)))

    def score(self, measured: Sequence[Seen[Labelled, Read]]) -> Result:
        figures: list[Figure] = []
        for name in dict.fromkeys(seen.item.set for seen in measured):
            mine = [seen for seen in measured if seen.item.set == name and seen.readable]
            figures.append(proportion(f"{name}: face found", [seen.found is not None for seen in mine]))
            figures += _figures(name, [(seen.item, seen.found) for seen in mine if seen.found is not None])
        return self.scored(
            measured,
            "the sets' test parts, or validation parts where no other is published; the likeliest expression of those "
            "that a set has; what is read, also where the tool would abstain",
            figures,
            (row for place, seen in enumerate(measured) for row in _item_scores(place, seen)),
            methods=self._methods(),
            notes=tuple(self._notes(measured)),
        )

    def _methods(self) -> list[Method] | None:
        return None if self._published is None else [self.detector.method, self._published.method]

    def _notes(self, measured: Sequence[Seen[Labelled, Read]]) -> Iterator[str]:
        if self._unlabelled:
            yield f"{self._unlabelled} photos are left out because their label is none of the expressions."
        scaled = any(seen.item.valence is not None for seen in measured)
        if scaled and not any(seen.found and seen.found.valence is not None for seen in measured):
            yield "Valence and arousal are labelled and not measured: the network that was asked does not read them."


Pairs = Sequence[tuple[Labelled, Read]]


def _figures(name: str, pairs: Pairs) -> Iterator[Figure]:
    yield from _looks(name, [(item, read.look(item.among)) for item, read in pairs if item.looks])
    yield from _scales(name, pairs)
    yield from _ratings(name, [(item, read) for item, read in pairs if item.ratings])


def _looks(name: str, told: Sequence[tuple[Labelled, str]]) -> Iterator[Figure]:
    if not told:
        return
    found = np.array([look for _, look in told], np.str_)
    # Of several labels that tie, the answer is taken as the label where it is one of them.
    wanted = np.array([look if look in item.looks else item.looks[0] for item, look in told], np.str_)
    yield proportion(f"{name}: accuracy", found == wanted)
    yield resampled(f"{name}: balanced accuracy", agreement.balanced_accuracy, [found, wanted], rounds=_ROUNDS)
    yield resampled(f"{name}: macro F1", agreement.macro_f1, [found, wanted], rounds=_ROUNDS)
    for look in np.unique(wanted):
        yield proportion(f"{name}: recall of {look}", found[wanted == look] == look)
    yield from fairness.by_each(f"{name}: accuracy", found == wanted, [item.people for item, _ in told])


def _scales(name: str, pairs: Pairs) -> Iterator[Figure]:
    rows = [[item.valence, item.arousal, read.valence, read.arousal] for item, read in pairs]
    told = [row for row in rows if None not in row]
    if not told:
        return
    columns = list(np.array(told, np.float64).T)
    for place, scale in enumerate(SCALES):
        ccc = agreement.concordance
        yield resampled(f"{name}: CCC of {scale}", ccc, [columns[2 + place], columns[place]], rounds=_ROUNDS)
    yield resampled(f"{name}: mean CCC", _mean_concordance, columns, rounds=_ROUNDS)


def _mean_concordance(*columns: Floats) -> float:
    return (agreement.concordance(columns[2], columns[0]) + agreement.concordance(columns[3], columns[1])) / 2


def _ratings(name: str, pairs: Pairs) -> Iterator[Figure]:
    if not pairs:
        return
    looks = list(pairs[0][0].ratings)
    found = np.array([[read.shares[look] for look in looks] for _, read in pairs])
    wanted = np.array([[item.ratings[look] for look in looks] for item, _ in pairs])
    for place, look in enumerate(looks):
        columns = [found[:, place], wanted[:, place]]
        yield resampled(f"{name}: rank correlation of {look}", agreement.spearman, columns, rounds=_ROUNDS)
    yield resampled(f"{name}: mean rank correlation", _mean_spearman, [found, wanted], rounds=_ROUNDS)


def _mean_spearman(found: Floats, wanted: Floats) -> float:
    return float(np.mean([agreement.spearman(*columns) for columns in zip(found.T, wanted.T, strict=True)]))


def _item_scores(place: int, seen: Seen[Labelled, Read]) -> Iterator[ItemScore]:
    item, read = seen.item, seen.found
    yield ItemScore(
        id=f"photo {place}", of=f"{item.set}: face found", right=read is not None if seen.readable else None
    )
    if item.looks:
        right = None if read is None else read.look(item.among) in item.looks
        yield ItemScore(id=f"photo {place}", of=f"{item.set}: accuracy", right=right)
    for scale in SCALES:
        true, told = getattr(item, scale), getattr(read, scale, None)
        if true is not None and told is not None:
            yield ItemScore(id=f"photo {place}", of=f"{item.set}: error of {scale}", score=abs(told - true))
