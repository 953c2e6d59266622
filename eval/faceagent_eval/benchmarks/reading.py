"""What the shipped network reads in labelled photos that its training did not see, through the product's own detection.

`faceagent_finetune.nets.multitask.evaluate` measures the network on crops; this measures the product: a photo in which
no face is found has no answer. Figures are of the photos that have one, beside the share that has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from faceagent import policy
from faceagent.errors import MediaError
from faceagent.media import Photo
from faceagent_eval import fairness
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, LayoutError, Result, machine, versions
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.photo_sets import enlarged, nearest_middle
from faceagent_eval.sampling import evenly
from faceagent_finetune.nets.multitask import crops, evaluate
from faceagent_tools import align, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import DETECTORS
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import CHIP_PADDING, CHIP_SIZE, WEIGHTS

Outputs = dict[str, npt.NDArray[np.float64]]
Measured = Outputs | Literal["no face", "unreadable"]
SETS = ("fairface", "utkface", "celeba40", "ferplus")
FIGURES = {
    "fairface": ("gender_accuracy", "race_accuracy", "age_group_accuracy"),
    "utkface": ("age_mae_years", "gender_accuracy"),
    "celeba40": ("attribute_accuracy", "attribute_balanced_accuracy"),
    "ferplus": ("expression_accuracy",),
}
AGES_NEAR_THE_LINE = ((0, 3), (4, 9), (10, 13), (14, 17), (18, 20), (21, 25), (26, 40))
_GRADED = ("age_mae_years", "attribute_accuracy")
"""Of one photo a number, and not right or wrong."""
_OF_MANY = ("attribute_balanced_accuracy",)
"""Not to be told of one photo."""
_ROUNDS = 500


@dataclass(frozen=True)
class Item:
    """A photo of the val split: its set, its encoded bytes, its labels."""

    name: str
    photo: bytes
    row: dict[str, Any]


class Reading(Benchmark[Item, Measured]):
    """See the module. `limit`: photos of each set, evenly spread."""

    name = "reading"
    about = "age, gender, ethnicity, attributes and expression on val photos, through the product's own detection"
    layout = "DATA/\n" + "\n".join(f"  {crops.SOURCES[name].file}" for name in SETS)
    backends = tuple(DETECTORS)
    takes_limit = True

    def items(self) -> Sequence[Item]:
        found = []
        for name in SETS:
            file = self.data / crops.SOURCES[name].file
            if not file.is_file():
                raise LayoutError(self.name, f"there is no {crops.SOURCES[name].file}", self.layout)
            rows = [row for row in crops.read(file) if row["split"] == "val"]
            found += [Item(name, row["image"]["bytes"], row) for row in evenly(rows, self.limit)]
        self._items = found
        self._detector, self._reader = FaceDetector(self.backend), FaceReader()
        return found

    def measure(self, item: Item) -> Measured:
        try:
            photo = Photo.open(item.photo)
        except MediaError:
            return "unreadable"
        photo = enlarged(photo)
        face = nearest_middle(self._detector.detect(photo, "image 1"), photo)
        if face is None:
            return "no face"
        chip = align.face_chip(photo, face, size=CHIP_SIZE, padding=CHIP_PADDING)
        return self._reader.outputs(chip)

    def score(self, measured: Sequence[Measured]) -> Result:
        figures: list[Figure] = []
        items: list[ItemScore] = []
        for name in SETS:
            pairs = [
                (item, out)
                for item, out in zip(self._items, measured, strict=True)
                if item.name == name and out != "unreadable"
            ]
            figures.append(proportion(f"{name}: face found", [not isinstance(out, str) for _, out in pairs]))
            read = SetRead.of(name, pairs)
            if read is not None:
                figures += read.figures()
                figures += _by_group(read, [item.row for item, out in pairs if not isinstance(out, str)])
            items += item_scores(name, [not isinstance(out, str) for _, out in pairs], read)
        bad = [item for item, out in zip(self._items, measured, strict=True) if out == "unreadable"]
        missing = tuple(f"{item.name}: {item.row['image']['path']}" for item in bad)
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol="val splits; of several faces the one nearest to the middle; no stand-in where no face is found",
            figures=tuple(figures),
            complete=not missing,
            missing=missing,
            items=tuple(items),
            methods=(
                self._detector.method,
                weights.method(align.POINTS),
                weights.method(WEIGHTS),
                self._reader.method,
            ),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime"),
        )


@dataclass(frozen=True)
class SetRead:
    """The photos of one set in which a face was found. out, wanted: by head, [N, …]."""

    name: str
    out: Outputs
    wanted: Mapping[str, npt.NDArray[Any]]

    @staticmethod
    def of(name: str, pairs: Sequence[tuple[Item, Measured]]) -> SetRead | None:
        """None where no face was found at all."""
        read = [(item.row, out) for item, out in pairs if not isinstance(out, str)]
        if not read:
            return None
        out = {head: np.stack([made[head] for _, made in read]) for head in read[0][1]}
        return SetRead(name, out, crops.SOURCES[name].targets([row for row, _ in read]))

    def measure(self, key: str, rows: npt.NDArray[np.int64]) -> float | None:
        """A figure of some of the photos; None where it cannot be told of them."""
        out, wanted = ({head: values[rows] for head, values in part.items()} for part in (self.out, self.wanted))
        found = evaluate.MEASURES[self.name](out, wanted)[key]
        return None if found is None else float(found)

    def figures(self) -> Iterator[Figure]:
        rows = np.arange(len(next(iter(self.out.values()))))
        for key in FIGURES[self.name]:
            if self.measure(key, rows) is not None:
                yield resampled(
                    f"{self.name}: {key.replace('_', ' ')}",
                    lambda drawn, key=key: self.measure(key, drawn) or 0.0,
                    [rows],
                    rounds=_ROUNDS,
                )
        if self.name == "utkface":
            yield from _minors(evaluate.years(self.out["age"]), self.wanted["age"][:, 0])


def item_scores(name: str, found: Sequence[bool], read: SetRead | None) -> Iterator[ItemScore]:
    """Of each photo whether a face was found and each figure that a single photo has.

    found: of all photos of the set that can be read, in their order.
    """
    rows = np.cumsum(found) - 1
    for place, hit in enumerate(found):
        yield ItemScore(id=f"photo {place}", of=f"{name}: face found", right=hit)
        for key in FIGURES[name]:
            if key in _OF_MANY:
                continue
            value = read.measure(key, rows[place : place + 1]) if read is not None and hit else None
            told = {"score": value} if key in _GRADED else {"right": None if value is None else value == 1}
            yield ItemScore(id=f"photo {place}", of=f"{name}: {key.replace('_', ' ')}", **told)


def _by_group(read: SetRead, rows: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """What is right or wrong of a single photo, by the group that its set puts the person in."""
    people = [{key: str(row[key]) for key in ("race", "gender", "age_group") if key in row} for row in rows]
    for key in FIGURES[read.name]:
        if key not in (*_GRADED, *_OF_MANY):
            hits = [read.measure(key, np.array([place])) == 1 for place in range(len(rows))]
            yield from fairness.by_each(f"{read.name}: {key.replace('_', ' ')}", hits, people)


def _minors(looks: npt.NDArray[np.float64], true: npt.NDArray[np.float64]) -> list[Figure]:
    """By true age, how many look younger than the line below which less is told of a face (`policy.age_line`)."""
    found = []
    for low, high in AGES_NEAR_THE_LINE:
        among = (true >= low) & (true <= high)
        if among.any():
            young = looks[among] < policy.age_line()
            found.append(proportion(f"utkface: looks a minor, aged {low}-{high}", young))
    return found
