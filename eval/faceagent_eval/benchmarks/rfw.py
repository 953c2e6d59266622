"""Racial Faces in-the-Wild (Wang et al., ICCV 2019): verification in four groups, and how far they are apart.

As published (whdeng.cn/RFW/testing.html): data/African/m.0c7mh2/m.0c7mh2_0003.jpg and the like for Asian, Caucasian and
Indian; txts/African/African_pairs.txt with 6,000 lines, "person n n" or "person n person n", 600 to each of ten folds,
in their order. Or packed as insightface packs pairs (see `packed`): African*.bin and the like.

Each group is scored by itself, as published, at thresholds of its own folds. Beside it stand the groups' rates of
wrong answers of compare_faces, whose line is one for all, and their gaps. The central crop that stands in where no face
is found is LFW's: how well it fits these portraits was not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from faceagent_eval import fairness, verification
from faceagent_eval.benchmark import Figure, Result
from faceagent_eval.benchmarks.lfw import Lfw, Portrait, Read
from faceagent_eval.benchmarks.packed import PackedPairs
from faceagent_eval.verification import Pair
from faceagent_tools import similarity
from faceagent_tools.similarity import DEFAULT_RATE

GROUPS = ("African", "Asian", "Caucasian", "Indian")
"""As the set calls them."""
_FOLD = 600


class Rfw(PackedPairs):
    """See the module. `limit`: pairs of one person, and of two, of each group."""

    name = "rfw"
    about = "Racial Faces in-the-Wild: verification in each of four groups, and the gaps between them"
    layout = """\
DIR/                             (or DIR/test/)             or   DIR/
  data/African/m.0c7mh2/m.0c7mh2_0003.jpg                          African_test.bin
  txts/African/African_pairs.txt                                   Asian_test.bin
  and Asian, Caucasian, Indian                                     Caucasian_test.bin, Indian_test.bin"""
    central = Lfw.central
    headline = ("accuracy", "largest gap", "worst group")

    def items(self) -> Sequence[Portrait]:
        if any(self.data.glob("*.bin")):
            portraits = super().items()
            self._group_names({name: _group(name) for name in self._sets})
            return portraits
        root = self.data / "test" if (self.data / "test").is_dir() else self.data
        self._sets = {group: tuple(self._listed(root, group)) for group in GROUPS}
        self._group_names({group: group for group in GROUPS})
        names = dict.fromkeys(name for pairs in self._sets.values() for pair in pairs for name in (pair.a, pair.b))
        portraits = [_portrait(root, name) for name in names]
        if all(portrait.read is None for portrait in portraits):
            raise self.mismatch(f"no portrait is there, the first missing one is {portraits[0].name}")
        return portraits

    def _group_names(self, found: dict[str, str | None]) -> None:
        """
        Raises:
            LayoutError: a set is none of the four groups.
        """
        wrong = next((name for name, group in found.items() if group is None), None)
        if wrong is not None:
            raise self.mismatch(f"{wrong}.bin is called after none of {', '.join(GROUPS)}")
        self._groups = {name: group for name, group in found.items() if group is not None}

    def _listed(self, root: Path, group: str) -> Iterator[Pair]:
        """
        Raises:
            LayoutError: the list is missing, or a line is neither of the two kinds.
        """
        path = root / "txts" / group / f"{group}_pairs.txt"
        if not path.is_file():
            raise self.mismatch(f"there is no {path.relative_to(self.data).as_posix()}")
        pairs = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            words = line.split()
            numbers = words[1:3] if len(words) == 3 else words[1::2]
            if len(words) not in (3, 4) or not all(one.isdecimal() for one in numbers):
                raise self.mismatch(f"line {number} of {path.name} is neither person n n nor person n person n")
            people = (words[0], words[0] if len(words) == 3 else words[2])
            a, b = (f"{group}/{who}_{int(shot):04d}" for who, shot in zip(people, numbers, strict=True))
            pairs.append(Pair(str((number - 1) // _FOLD), a, b, len(words) == 3))
        return iter(verification.thinned(pairs, self.limit))

    def score(self, measured: Sequence[Read]) -> Result:
        result = super().score(measured)
        return result.model_copy(update={"figures": (*result.figures, *self._by_group(measured, result))})

    def _by_group(self, measured: Sequence[Read], result: Result) -> Iterator[Figure]:
        told = [(row.right, self._groups[row.of.partition(": ")[0]]) for row in result.items if row.right is not None]
        yield from fairness.by_group("accuracy by group", [hit for hit, _ in told], [group for _, group in told])
        embeddings = {read.name: read.embedding for read in measured if read.embedding is not None}
        table = similarity.table()
        for name, same in (
            ("one person not called so by compare_faces", True),
            ("two people called one by compare_faces", False),
        ):
            pairs = [
                (self._groups[of], pair)
                for of, listed in self._sets.items()
                for pair in listed
                if pair.same is same and pair.a in embeddings and pair.b in embeddings
            ]
            alike = [similarity.similarity(embeddings[pair.a], embeddings[pair.b]) for _, pair in pairs]
            called = np.array([table.finding(value, DEFAULT_RATE) == "supported" for value in alike], np.bool_)
            groups = [group for group, _ in pairs]
            yield from fairness.by_group(f"{name}, by group", called != same, groups, higher_is_better=False)


def _group(name: str) -> str | None:
    return next((group for group in GROUPS if name.casefold().startswith(group.casefold())), None)


def _portrait(root: Path, name: str) -> Portrait:
    group, _, shot = name.partition("/")
    path = root / "data" / group / shot.rpartition("_")[0] / f"{shot}.jpg"
    return Portrait(name, path.read_bytes if path.is_file() else None)
