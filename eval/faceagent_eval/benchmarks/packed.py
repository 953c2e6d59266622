"""Verification on insightface's packed pair sets: CFP-FP, AgeDB-30, CALFW, CPLFW, and LFW as aligned crops.

CFP-FP: Sengupta et al. 2016 (frontal against profile). AgeDB-30: Moschoglou et al. 2017 (30 years apart). CALFW and
CPLFW: Zheng et al. 2017 and 2018 (age and pose on LFW's people). The files come with insightface's training sets
(deepinsight/insightface, recognition/_datasets_), for non-commercial research; nothing of them ships with this project.

Protocol: that of insightface: accuracy by 10 folds of neighbouring pairs. The pictures are crops of 112 pixels, aligned
by others; here they pass through the product's own detection and alignment, so figures are not those of networks that
take the crops as they are. What stands in where no face is found is as in `lfw`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from faceagent.errors import InputError
from faceagent_eval import verification
from faceagent_eval.benchmark import Figure, LayoutError, Result
from faceagent_eval.benchmarks.lfw import Lfw, Portrait, Read
from faceagent_eval.packed_pairs import read_packed
from faceagent_eval.verification import Pair
from faceagent_tools.embedding import Embedding

LAYOUT = """\
DIR/                             those that are there
  cfp_fp.bin                     pickle of (bins, issame): 2N encoded pictures, N booleans
  agedb_30.bin
  calfw.bin
  cplfw.bin
  lfw.bin"""
_FOLDS = 10


class PackedPairs(Lfw):
    """Every *.bin of the folder, each scored by itself."""

    name = "packed-pairs"
    about = "verification on CFP-FP, AgeDB-30, CALFW, CPLFW in insightface's .bin files"
    layout = LAYOUT
    # Share of a crop that stands in for the box of a face that is not found: the eyes are 35 of 112 pixels apart
    # here, and dlib's boxes about 2.1 times that wide (measured on the two faces of examples/group.jpg).
    central: ClassVar[float] = 0.67

    def items(self) -> Sequence[Portrait]:
        paths = sorted(self.data.glob("*.bin"))
        if not paths:
            raise LayoutError(self.name, f"{self.data} has no .bin file", LAYOUT)
        self._sets: dict[str, tuple[Pair, ...]] = {}
        portraits: list[Portrait] = []
        for path in paths:
            try:
                pictures, same = read_packed(path)
            except InputError as error:
                raise LayoutError(self.name, error.message, LAYOUT) from error
            pairs = verification.thinned(tuple(_pairs(path, same)), self.limit)
            places = sorted({int(member.rpartition(" ")[2]) for pair in pairs for member in (pair.a, pair.b)})
            portraits += [Portrait(_name(path, place), _giver(pictures[place])) for place in places]
            self._sets[path.stem] = pairs
        return portraits

    def measured_data(self, items: Sequence[Portrait]) -> Iterator[object]:
        yield self._sets
        yield from items

    def score(self, measured: Sequence[Read]) -> Result:
        results = {}
        for name, pairs in self._sets.items():
            self._pairs = pairs
            members = {member for pair in pairs for member in (pair.a, pair.b)}
            results[name] = super().score([read for read in measured if read.name in members])
        first = next(iter(results.values()))
        missing = tuple(name for result in results.values() for name in result.missing)
        return first.model_copy(
            update={
                "protocol": "; ".join(f"{name}: {result.protocol}" for name, result in results.items()),
                "figures": tuple(
                    figure.model_copy(update={"name": f"{name}: {figure.name}"})
                    for name, result in results.items()
                    for figure in result.figures
                ),
                "complete": not missing,
                "missing": missing,
                "notes": tuple(f"{name}: {note}" for name, result in results.items() for note in result.notes),
                "items": tuple(
                    row.model_copy(update={"of": f"{name}: {row.of}"})
                    for name, result in results.items()
                    for row in result.items
                ),
                "curves": {f"{name}-det": result.curves["det"] for name, result in results.items()},
            }
        )

    def over_all(self, embeddings: Mapping[str, Embedding]) -> Iterator[Figure]:
        """Nothing: the files do not say who the people are."""
        return iter(())


def _name(path: Path, place: int) -> str:
    return f"{path.stem} picture {place}"


def _giver(raw: bytes) -> Callable[[], bytes]:
    return lambda: raw


def _pairs(path: Path, same: Sequence[bool]) -> Iterator[Pair]:
    for fold, places in enumerate(np.array_split(np.arange(len(same)), _FOLDS)):
        for place in places.tolist():
            yield Pair(str(fold), _name(path, 2 * place), _name(path, 2 * place + 1), same[place])
