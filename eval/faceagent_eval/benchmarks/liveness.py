"""Presentation attacks: photos of live faces, and of prints, screens and masks, as check_liveness sees them.

CelebA-Spoof (Zhang et al. 2020, github.com/ZhangYuanhan-AI/CelebA-Spoof): metas/intra_test/test_label.json is
{path of the image: 44 numbers}, of which number 40 is the spoof type and 43 says live (0) or spoof (1); images lie at
Data/test/PERSON/live/ and …/spoof/. Or plain folders, one for each attack instrument.

check_liveness draws two lines and says nothing between them. So there are two operating points: only what it calls bona
fide passes, or all that it does not call an attack. No threshold is fitted here: EER and BPCER at a fixed APCER are of
this very data, and optimistic by that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceagent.errors import MediaError
from faceagent.media import Photo
from faceagent_eval import metrics, presentation_attacks
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, Result, machine, versions
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.forensic_item import pictures
from faceagent_eval.metrics import Labels
from faceagent_eval.sampling import thinned
from faceagent_tools import liveness
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import DETECTORS
from faceagent_tools.embedding import main_face
from faceagent_tools.minifasnet import MiniFASNet

LAYOUT = """\
DIR/                             CelebA-Spoof
  metas/intra_test/test_label.json   {"Data/test/4937/spoof/000001.png": [44 numbers]}
  Data/test/<person>/live/*.png, spoof/*.png
or DIR/                          folders
  live/**/*.jpg                  (or bona_fide/, real/)
  attack/<instrument>/**/*.jpg   such as print/, replay/, mask/"""
_LABELS = Path("metas/intra_test/test_label.json")
_LIVE = ("live", "bona_fide", "real")
_TYPES = (
    *("live", "photo", "poster", "A4", "face mask", "upper body mask", "region mask"),
    *("PC", "pad", "phone", "3D mask"),
)
"""Spoof types of CelebA-Spoof by number, as its README lists them."""
_TYPE, _SPOOF, _NUMBERS = 40, 43, 44


@dataclass(frozen=True)
class Item:
    """instrument: of the attack; "" for a bona fide presentation."""

    name: str
    photo: Path
    instrument: str


@dataclass(frozen=True)
class Seen:
    """live: the score of the largest face, None where it was not judged."""

    item: Item
    outcome: liveness.Finding | Literal["no face", "abstained", "unreadable"]
    live: float | None = None


class Liveness(Benchmark[Item, Seen]):
    """See the module. `limit`: photos of live faces, and of each instrument, evenly spread."""

    name = "liveness"
    about = "presentation attacks: APCER by instrument, BPCER, ACER, HTER, EER (ISO/IEC 30107-3)"
    layout = LAYOUT
    backends = tuple(sorted(DETECTORS, key=lambda name: name != "yunet"))
    takes_limit = True

    def items(self) -> Sequence[Item]:
        found = list(self._celeba_spoof() if (self.data / _LABELS).is_file() else self._folders())
        if len({bool(item.instrument) for item in found}) < 2:
            what = "only one of live faces and attacks is there" if found else f"{self.data} holds neither"
            raise self.mismatch(what)
        self._detector, self._network = FaceDetector(self.backend), MiniFASNet()
        return thinned(found, self.limit, by=lambda item: item.instrument)

    def _celeba_spoof(self) -> Iterator[Item]:
        labels = self.document(self.data / _LABELS)
        if not isinstance(labels, Mapping):
            raise self.mismatch(f"{_LABELS} is no object of paths and labels")
        for path, numbers in labels.items():
            if not _readable(numbers):
                what = f"{_LABELS}: the label of {path} is not {_NUMBERS} numbers with spoof type and live or spoof"
                raise self.mismatch(what)
            yield Item(path, self.data / path, _TYPES[numbers[_TYPE]] if numbers[_SPOOF] else "")

    def _folders(self) -> Iterator[Item]:
        for folder in sorted(self.data.glob("*")) + sorted(self.data.glob("attack/*")):
            live = folder.parent == self.data and folder.name.casefold() in _LIVE
            if live or folder.parent.name == "attack":
                for path in pictures(folder):
                    yield Item(path.relative_to(self.data).as_posix(), path, "" if live else folder.name)

    def measure(self, item: Item) -> Seen:
        try:
            photo = Photo.open(item.photo)
        except MediaError:
            return Seen(item, "unreadable")
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is None:
            return Seen(item, "no face")
        if liveness.unfit(photo, face, liveness.lines().smallest) is not None:
            return Seen(item, "abstained")
        live = self._network.look(photo.pixels, liveness.box_of(face)).live
        return Seen(item, liveness.lines().finding(live), live)

    def score(self, measured: Sequence[Seen]) -> Result:
        missing = tuple(seen.item.name for seen in measured if seen.outcome == "unreadable")
        readable = [seen for seen in measured if seen.outcome != "unreadable"]
        judged = [seen for seen in readable if seen.live is not None]
        attacks = sorted({seen.item.instrument for seen in readable} - {""})
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"the main face of {len(measured)} photos, {len(attacks)} attack instruments; the lines of "
            "check_liveness, which no attack was used to draw",
            figures=(*_responses(readable), *_figures(judged)),
            complete=not missing,
            missing=missing,
            items=tuple(_item_score(number, seen) for number, seen in enumerate(measured)),
            methods=(self._detector.method, liveness.METHOD),
            machine=machine(),
            versions=versions("faceagent", "onnxruntime", "numpy"),
        )


def _readable(numbers: Any) -> bool:
    whole = isinstance(numbers, list) and len(numbers) == _NUMBERS and all(isinstance(one, int) for one in numbers)
    return bool(whole and numbers[_SPOOF] in (0, 1) and 0 <= numbers[_TYPE] < len(_TYPES))


def _responses(seen: Sequence[Seen]) -> Iterator[Figure]:
    """BPNRR and APNRR: presentations that got no score at all."""
    for name, part in (
        ("BPNRR, bona fide not judged", [one for one in seen if not one.item.instrument]),
        ("APNRR, attacks not judged", [one for one in seen if one.item.instrument]),
    ):
        yield proportion(name, [one.live is None for one in part])


def _figures(judged: Sequence[Seen]) -> Iterator[Figure]:
    instruments = np.array([seen.item.instrument for seen in judged], np.str_)
    if not judged or (instruments == "").all() or (instruments != "").all():
        return
    live = np.array([seen.live for seen in judged], np.float64)
    outcomes = np.array([seen.outcome for seen in judged], np.str_)
    for point, passes in (
        ("only bona fide passes", outcomes == "bona_fide"),
        ("all but attacks passes", outcomes != "attack"),
    ):
        yield from _at(point, passes, instruments)
    yield _drawn("EER, all attacks", lambda scores, of: metrics.eer(metrics.roc(scores, of == "")), live, instruments)
    for apcer in (0.1, 0.05, 0.01):
        value = presentation_attacks.bpcer_at(live, instruments, apcer)
        yield Figure(name=f"BPCER at APCER {apcer:.0%}", value=value, n=int((instruments == "").sum()))


def _at(point: str, passes: metrics.Bools, instruments: Labels) -> Iterator[Figure]:
    found = presentation_attacks.errors(passes, instruments)
    for name in found.apcer:
        yield proportion(f"{point}: APCER of {name}", passes[instruments == name])
    yield proportion(f"{point}: APCER, the worst", passes[instruments == found.worst], found.worst)
    yield proportion(f"{point}: BPCER", ~passes[instruments == ""])
    for name in ("acer", "hter"):
        yield _drawn(
            f"{point}: {name.upper()}",
            lambda drawn, of, name=name: getattr(presentation_attacks.errors(drawn, of), name),
            passes,
            instruments,
        )


def _drawn(name: str, statistic: Callable[..., float], values: Labels, instruments: Labels) -> Figure:
    """A figure with a bootstrap interval; as many of each instrument and of live faces in every round."""
    return resampled(name, statistic, [values, instruments], strata=instruments)


def _item_score(number: int, seen: Seen) -> ItemScore:
    """right: an attack that does not pass as bona fide, a live face that is not called an attack."""
    wrong = seen.outcome == ("bona_fide" if seen.item.instrument else "attack")
    return ItemScore(
        id=f"photo {number}",
        of=seen.item.instrument or "bona fide",
        label=not seen.item.instrument,
        score=seen.live,
        right=not wrong if seen.live is not None else None,
    )
