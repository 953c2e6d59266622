"""One protected person of VIPBench: authentic photos, face swaps towards the person, synthesised ones, other people.

Protocol: half of the person's photos are enrolled (copies of one photo count once), all else is held against them as
verify_protected_identity does it; over many random halves. "Told rightly" and the 4-way accuracy are of the most likely
kind; what is said is more careful, and "called …" counts that. Intervals come from drawing halves and photos anew. It
is one person: the intervals do not say how it fares with others. Nothing was fitted on these photos, but the weight of
the pixels was looked at here: the figures at the weights 0 and 1 are given beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.errors import MediaError, MissingExtra
from faceagent.media import Photo
from faceagent.types import Interval
from faceagent_eval import metrics
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, LayoutError, Result, machine, versions
from faceagent_tools import align, forgery, trunk, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import FaceEmbedder, main_face
from faceagent_tools.forensics import ensemble
from faceagent_tools.forensics.ensemble import Examiner
from faceagent_tools.identity import likelihood, regions, templates
from faceagent_tools.identity.likelihood import KINDS, Portrayed, Protected
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import Trunk

LAYOUT = """\
DIR/
  identity/                      (or DIR itself)
    vip_one_person.parquet       image {bytes, path}, relation: r_r_i, r_r_d_i, r_fs_i or r_efs_i"""
RELATIONS = {"r_r_i": "genuine", "r_r_d_i": "other", "r_fs_i": "swap", "r_efs_i": "synthesised"}
ROUNDS = 300
SEED = 0
_LEVEL = 0.95
SCORE = "genuine over faked"
SAID = (*KINDS, likelihood.NOT_AUTHENTIC, likelihood.UNDECIDED)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Item:
    """kind: of `KINDS`."""

    name: str
    kind: str
    raw: bytes


@dataclass(frozen=True, eq=False)
class Read:
    """One photo as it was measured; seen is None where no face was found. forgery: log odds, None if not judged.

    unreadable: its name, where it is no photo.
    """

    kind: str
    seen: Portrayed | None
    forgery: float | None
    unreadable: str | None = None


class Vip(Benchmark[Item, Read]):
    """See the module."""

    name = "vip"
    about = "one protected person: authentic, somebody else, face swap or synthesised (VIPBench sample)"
    layout = LAYOUT
    backends = ("embedded",)

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        shared = Trunk()
        self._trunk, self._detector, self._embedder = shared, FaceDetector(), FaceEmbedder(shared)
        self._reader, self._examiner = FaceReader(shared), Examiner()

    def items(self) -> Sequence[Item]:
        found = [self.data / "identity" / "vip_one_person.parquet", self.data / "vip_one_person.parquet"]
        path = next((path for path in found if path.is_file()), None)
        if path is None:
            raise LayoutError(self.name, f"{found[0]} is not there", LAYOUT)
        return _items(path)

    def measure(self, item: Item) -> Read:
        try:
            photo = Photo.open(item.raw, name=item.name)
        except MediaError:
            return Read(item.kind, None, None, item.name)
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is None:
            return Read(item.kind, None, None)
        reading = self._reader.read_photo(photo, face)
        chip = align.face_chip(photo, face, trunk.CHIP_SIZE, trunk.CHIP_PADDING)
        parts = regions.described(self._trunk.both_ways(chip), regions.in_crop(photo, face, reading.points))
        examined = self._examiner.examine(photo, face, reading.points)
        table = ensemble.stack()
        judged = forgery.too_small(face, table) is None and forgery.unlike(examined, table) is None
        return Read(item.kind, Portrayed(self._embedder.embed_chip(chip), parts), examined.log_odds if judged else None)

    def score(self, measured: Sequence[Read]) -> Result:
        seen = [read for read in measured if read.seen is not None]
        missing = tuple(read.unreadable for read in measured if read.unreadable is not None)
        halves = Halves(seen)
        values = halves.figures()
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"half of the authentic photos enrolled, {ROUNDS} random halves, {len(seen)} photos with a face",
            figures=tuple(_figure(name, drawn, whole, len(seen)) for name, (drawn, whole) in values.items()),
            items=tuple(_item_scores(measured, halves)),
            complete=not missing,
            missing=missing,
            notes=("One person: the intervals hold for other photos of this person, not for other people.",),
            methods=(
                self._detector.method,
                weights.method(align.POINTS),
                self._embedder.method,
                self._reader.method,
                forgery.method(ensemble.stack()),
            ),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "numpy"),
        )


class Halves:
    """Random halves of the authentic photos, and what follows for the rest."""

    def __init__(self, reads: Sequence[Read]) -> None:
        self._reads = reads
        self._kinds = np.array([read.kind for read in reads])
        self._seen = [read.seen for read in reads if read.seen is not None]
        own = np.flatnonzero(self._kinds == KINDS[0])
        vectors = [self._seen[place].embedding for place in own]
        copies = templates.copies(vectors, [str(place) for place in own], [])
        self._own = [int(place) for number, place in enumerate(own) if number not in copies]
        known = likelihood.usual()
        self._pairs = [
            {mate: likelihood.by_region(one, [self._seen[mate]], known) for mate in self._own} for one in self._seen
        ]
        self._told: list[list[tuple[float, bool]]] = []
        self._others = [int(place) for place in np.flatnonzero(self._kinds != KINDS[0])]

    def figures(self) -> dict[str, tuple[Floats, Floats]]:
        """By name: the values over halves and photos drawn anew, and over halves with the photos as they are."""
        generator, table = np.random.default_rng(SEED), likelihood.table()
        self._told = [[] for _ in self._reads]
        drawn: dict[str, list[float]] = {}
        whole: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            order = generator.permutation(self._own).tolist()
            half = len(order) // 2
            rest = np.array([*order[half:], *self._others])
            columns = self._scores(order[:half], rest, table)
            for place, score, likeliest in zip(rest.tolist(), columns[SCORE], columns["likeliest"], strict=True):
                self._told[place].append((float(score), KINDS.index(self._kinds[place]) == likeliest))
            kinds = self._kinds[rest]
            again = np.concatenate(
                [generator.choice(np.flatnonzero(kinds == kind), (kinds == kind).sum()) for kind in KINDS]
            )
            for into, rows in ((whole, np.arange(len(rest))), (drawn, again)):
                for name, value in _values(kinds[rows], {key: column[rows] for key, column in columns.items()}).items():
                    into.setdefault(name, []).append(value)
        return {name: (np.array(drawn[name]), np.array(values)) for name, values in whole.items()}

    def told(self, place: int) -> tuple[float | None, bool | None]:
        """Of a photo: its mean score over the halves that did not have it enrolled, and whether most found its kind.

        None of a copy, which is left out. After `figures`.
        """
        found = self._told[place]
        if not found:
            return None, None
        scores, right = zip(*found, strict=True)
        return float(np.mean(scores)), bool(np.mean(right) > 0.5)

    def _scores(self, half: Sequence[int], rest: npt.NDArray[np.int64], table: Protected) -> dict[str, Floats]:
        """Of each photo: the score of genuine over faked by way of weighing, the most likely kind, what is said, and
        likeness alone."""
        enrolled = [self._seen[place] for place in half]
        own = likelihood.own_likeness(enrolled, table.own, table.own_pairs)
        ways = {
            f" at weight {weight}": table.model_copy(update={"forensic_weight": float(weight)}) for weight in (0, 1)
        }
        columns: dict[str, list[float]] = {}
        alike = templates.likeness([self._seen[place].embedding for place in rest], [one.embedding for one in enrolled])
        for row, place in enumerate(rest):
            found = _mean([self._pairs[place][mate] for mate in half])
            given = likelihood.features(found, own)
            for way, weighed in {"": table, **ways}.items():
                chances = weighed.probabilities(given, self._reads[place].forgery)
                odds = np.log(chances["genuine"]) - np.log(chances["swap"] + chances["synthesised"])
                columns.setdefault(f"{SCORE}{way}", []).append(float(odds))
                if not way:
                    columns.setdefault("likeliest", []).append(KINDS.index(likelihood.likeliest(chances)))
                    columns.setdefault("said", []).append(SAID.index(_said(chances, self._reads[place].forgery)))
            columns.setdefault("mean cosine alone", []).append(found[regions.OVERALL])
            columns.setdefault("compare_faces alone", []).append(float(alike[row, len(rest) :].mean()))
        return {name: np.array(values) for name, values in columns.items()}


def _item_scores(measured: Sequence[Read], halves: Halves) -> Iterator[ItemScore]:
    """Of each photo the score of genuine over faked, where that is asked, and whether its kind was told."""
    places = np.cumsum([read.seen is not None for read in measured]) - 1
    for number, read in enumerate(measured):
        score, right = (None, None) if read.seen is None else halves.told(int(places[number]))
        if read.kind != "other":
            yield ItemScore(id=f"photo {number}", of=SCORE, label=read.kind == KINDS[0], score=score)
        yield ItemScore(id=f"photo {number}", of="kind told", label=read.kind, right=right)


def _mean(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What `likelihood.by_region` finds against several photos, from what it finds against each."""
    names = dict.fromkeys(name for one in found for name in one)
    return {name: float(np.mean([one[name] for one in found if name in one])) for name in names}


def _said(chances: Mapping[str, float], forgery: float | None) -> str:
    return likelihood.finding(chances, witness=forgery is not None and forgery >= ensemble.stack().high)


def _values(kinds: npt.NDArray[np.str_], columns: Mapping[str, Floats]) -> dict[str, float]:
    genuine = kinds == KINDS[0]
    told: dict[str, float] = {}
    for name in (name for name in columns if name not in ("likeliest", "said")):
        for label, against in (
            ("faked", ("swap", "synthesised")),
            ("swap", ("swap",)),
            ("synthesised", ("synthesised",)),
        ):
            here = genuine | np.isin(kinds, against)
            told[f"auc genuine and {label}, {name}"] = metrics.auc(metrics.roc(columns[name][here], genuine[here]))
    recalls = {kind: float(np.mean(columns["likeliest"][kinds == kind] == place)) for place, kind in enumerate(KINDS)}
    told |= {f"{kind} told rightly": value for kind, value in recalls.items()}
    told["4-way accuracy, kinds weighing alike"] = float(np.mean(list(recalls.values())))
    right = columns["likeliest"] == np.array([KINDS.index(kind) for kind in kinds])
    told["4-way accuracy, over photos"] = float(np.mean(right))
    return told | _told_of(kinds, columns["said"])


def _told_of(kinds: npt.NDArray[np.str_], said: Floats) -> dict[str, float]:
    """What is said of photos of each kind, where it is more than the most likely kind: shares."""
    told = {}
    for name, here in (
        ("genuine", kinds == "genuine"),
        ("other", kinds == "other"),
        ("faked", np.isin(kinds, ["swap", "synthesised"])),
    ):
        for what, of in _SAYINGS.items():
            told[f"{name} {what}"] = float(np.mean(np.isin(said[here], [SAID.index(one) for one in of])))
    return told


_SAYINGS = {
    "called genuine": ("genuine",),
    "called somebody else": ("other",),
    "called an imitation": ("swap", "synthesised"),
    "called not authentic": (likelihood.NOT_AUTHENTIC,),
    "undecided": (likelihood.UNDECIDED,),
}


def _figure(name: str, drawn: Floats, whole: Floats, n: int) -> Figure:
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Figure(
        name=name, value=float(whole.mean()), interval=Interval(low=float(low), high=float(high), level=_LEVEL), n=n
    )


def _items(path: Path) -> list[Item]:
    try:
        # Imported where used: it is an optional package.
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MissingExtra(f"Reading {path.name}", "eval") from None
    rows = parquet.read_table(path, columns=["image", "relation"]).to_pylist()
    return [
        Item(row["image"]["path"], RELATIONS[row["relation"]], row["image"]["bytes"])
        for row in rows
        if row["relation"] in RELATIONS
    ]
