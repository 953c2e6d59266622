"""FairFace, UTKFace, CelebA, IMDB-Clean, Casual Conversations as published: age, gender, ethnicity, attributes.

What `reading` measures on the val photos that the shipped network was not trained on, on the sets themselves: see
`attribute_sets` for their layouts and splits. The face is the labelled one (IMDB-Clean), else that nearest to the
middle, in the product's own detection; what the network reads counts, also where the tool would abstain. Figures are
of the photos with a face, beside the share that has one. An ethnic group counts as right where the set's label may
stand for it: UTKFace knows five groups, FairFace seven.

Kärkkäinen and Joo, WACV 2021; Zhang, Song and Qi, CVPR 2017; Liu et al., ICCV 2015; Lin et al. 2021 (FP-Age);
Hazirbas et al. 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from faceagent.media import Photo
from faceagent_eval import agreement, fairness
from faceagent_eval.attribute_sets import LAYOUT, SETS, Labelled
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.metrics import Labels
from faceagent_eval.photo_sets import PhotoBenchmark, Seen, enlarged, nearest_middle, over
from faceagent_eval.video_frames import Frames
from faceagent_finetune.corpus.labelled import LabelMissing
from faceagent_finetune.nets.multitask import evaluate, labels
from faceagent_tools.multitask import ATTRIBUTES, RACES

SEEN = (
    "The shipped network was trained on photos of FairFace's train split, of UTKFace, which has no split, and of "
    "CelebA: what it saw is not told apart here, and figures of UTKFace and CelebA may be better than on other photos."
)
_ROUNDS = 500


@dataclass(frozen=True)
class Read:
    """What is read. age: years. band: FairFace's group. attributes: those of CelebA that are so."""

    age: float
    band: str
    gender: str
    race: str
    attributes: tuple[str, ...]


class Attributes(PhotoBenchmark[Labelled, Read]):
    """See the module."""

    name = "attributes"
    about = "FairFace, UTKFace, CelebA, IMDB-Clean, Casual Conversations: age, gender, ethnicity, attributes, by group"
    layout = LAYOUT
    headline = ("face found", "MAE of age", "accuracy of gender", "mean balanced accuracy", "largest gap")

    def items(self) -> Sequence[Labelled]:
        rows = [
            row for folder, of in SETS.items() if (self.data / folder).is_dir() for row in of(self, self.data / folder)
        ]
        self._unlabelled = sum(isinstance(row, LabelMissing) for row in rows)
        return self.chosen(row for row in rows if isinstance(row, Labelled))

    def opened(self, item: Labelled) -> Photo:
        return super().opened(item) if item.frame is None else Frames(item.photo).take(item.frame)

    def look(self, item: Labelled, photo: Photo) -> Read | None:
        # A box of the set would lie elsewhere in an enlarged photo; those of IMDB-Clean are large.
        shown = photo if item.box else enlarged(photo)
        faces = self.detector.detect(shown, "image 1")
        face = over(faces, item.box) if item.box else nearest_middle(faces, shown)
        if face is None:
            return None
        read = self.reader.read_photo(shown, face)
        logits = np.log(np.maximum(read.years, 1e-12))[None]
        return Read(
            read.age,
            labels.GROUPS[int(evaluate.group_of(logits)[0])],
            "male" if read.male > 0.5 else "female",
            RACES[int(read.races.argmax())],
            tuple(name for name, value in zip(ATTRIBUTES, read.attributes, strict=True) if value > 0.5),
        )

    def score(self, measured: Sequence[Seen[Labelled, Read]]) -> Result:
        figures: list[Figure] = []
        for name in dict.fromkeys(seen.item.set for seen in measured):
            mine = [seen for seen in measured if seen.item.set == name and seen.readable]
            found = [seen.found is not None for seen in mine]
            figures.append(proportion(f"{name}: face found", found))
            figures += fairness.by_each(f"{name}: face found", found, [seen.item.people for seen in mine])
            figures += _figures(name, [(seen.item, seen.found) for seen in mine if seen.found is not None])
        left_out = f"{self._unlabelled} photos are left out because their names lack a label (UTKFace)."
        return self.scored(
            measured,
            "FairFace's val split, all of UTKFace, CelebA's and IMDB-Clean's test split, a frame of each video of "
            "Casual Conversations; what is read, also where the tool would abstain",
            figures,
            (row for place, seen in enumerate(measured) for row in _item_scores(place, seen)),
            notes=(SEEN, left_out) if self._unlabelled else (SEEN,),
        )


Pairs = Sequence[tuple[Labelled, Read]]
_RIGHT: dict[str, Callable[[Labelled, Read], bool | None]] = {
    "gender": lambda item, read: None if item.gender is None else read.gender == item.gender,
    "age group": lambda item, read: None if item.band is None else read.band == item.band,
    "ethnicity": lambda item, read: read.race in item.races if item.races else None,
}
"""What is right or wrong of one photo; None where the set does not say."""


def _figures(name: str, pairs: Pairs) -> Iterator[Figure]:
    aged = [(item.age, read.age) for item, read in pairs if item.age is not None]
    if aged:
        wanted, found = np.array(aged).T
        yield resampled(
            f"{name}: MAE of age", agreement.mean_absolute_error, [found, wanted], rounds=_ROUNDS, unit="years"
        )
    for what, right in _RIGHT.items():
        told = [(hit, item) for item, read in pairs if (hit := right(item, read)) is not None]
        if not told:
            continue
        hits = np.array([hit for hit, _ in told])
        yield proportion(f"{name}: accuracy of {what}", hits)
        yield from fairness.by_each(f"{name}: accuracy of {what}", hits, [item.people for _, item in told])
    yield from _balanced(f"{name}: balanced accuracy of gender", [(i.gender, r.gender) for i, r in pairs if i.gender])
    yield from _balanced(f"{name}: balanced accuracy of age group", [(i.band, r.band) for i, r in pairs if i.band])
    yield from _attributes(name, [(i.attributes, r.attributes) for i, r in pairs if i.attributes is not None])


def _balanced(name: str, pairs: Sequence[tuple[str | None, str]]) -> Iterator[Figure]:
    if pairs:
        wanted, found = (np.array(column, np.str_) for column in zip(*pairs, strict=True))
        yield resampled(name, agreement.balanced_accuracy, [found, wanted], rounds=_ROUNDS)


def _attributes(name: str, pairs: Sequence[tuple[tuple[str, ...] | None, tuple[str, ...]]]) -> Iterator[Figure]:
    if not pairs:
        return
    wanted, found = (
        np.array([[one in (row or ()) for one in ATTRIBUTES] for row in column]) for column in zip(*pairs, strict=True)
    )
    yield resampled(f"{name}: mean accuracy of 40 attributes", _accuracy, [found, wanted], rounds=_ROUNDS)
    yield resampled(f"{name}: mean balanced accuracy", _mean_balanced, [found, wanted], rounds=_ROUNDS)
    for place, attribute in enumerate(ATTRIBUTES):
        column = partial(_of_column, place)
        yield resampled(f"{name}: balanced accuracy of {attribute}", column, [found, wanted], rounds=_ROUNDS)


def _accuracy(found: Labels, wanted: Labels) -> float:
    return float(np.mean(found == wanted))


def _of_column(place: int, found: Labels, wanted: Labels) -> float:
    return agreement.balanced_accuracy(found[:, place], wanted[:, place])


def _mean_balanced(found: Labels, wanted: Labels) -> float:
    return float(np.mean([_of_column(place, found, wanted) for place in range(found.shape[1])]))


def _item_scores(place: int, seen: Seen[Labelled, Read]) -> Iterator[ItemScore]:
    item, read = seen.item, seen.found
    name = f"{item.set}: "
    yield ItemScore(id=f"photo {place}", of=f"{name}face found", right=read is not None if seen.readable else None)
    for what, right in _RIGHT.items():
        # An empty answer is wrong of nothing: it only says which measures the set has.
        if right(item, Read(0.0, "", "", "", ())) is not None:
            hit = right(item, read) if read is not None else None
            yield ItemScore(id=f"photo {place}", of=f"{name}accuracy of {what}", right=hit)
    if item.age is not None:
        yield ItemScore(
            id=f"photo {place}", of=f"{name}error of age", score=None if read is None else abs(read.age - item.age)
        )
    if item.attributes is not None:
        wrong = None if read is None else len(set(item.attributes) ^ set(read.attributes))
        share = None if wrong is None else 1 - wrong / len(ATTRIBUTES)
        yield ItemScore(id=f"photo {place}", of=f"{name}accuracy of attributes", score=share)
