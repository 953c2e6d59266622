"""Photos that no part of the forgery ensemble was trained on, as each part sees them, for `calibrate_forgery`.

The val photos of `forensic.crops`, and pairs of an authentic val photo and a forgery made of it; each as it is and once
more as files are passed on (`forensic.evaluate.CHANGES`: saved anew, made smaller, blurred, a screenshot). A face is
found, read and measured as the product does it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_finetune.nets.forensic import areas
from faceagent_finetune.nets.forensic.blends import FORGERIES
from faceagent_finetune.nets.forensic.crops import SOURCES
from faceagent_finetune.nets.forensic.data import Photos
from faceagent_finetune.nets.forensic.evaluate import AUTHENTIC, CHANGES, pairs
from faceagent_tools import align
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import main_face
from faceagent_tools.forensics import clip, ensemble, signals, view, windows
from faceagent_tools.forensics.network import ForensicNetwork
from faceagent_tools.forensics.windows import KINDS
from faceagent_tools.multitask import FaceReader

AS_IT_IS = "as it is"
MOST = 600  # photos of one set, or their calibration would be that of the largest
PAIRS: Mapping[str, int] = {"swap": 50, "edit": 40, "synthesis": 15}
"""Photos of each set that are forged, by kind."""
SEED = 11
_SAVE_EVERY = 50
_AT_ONCE = 8


@dataclass(frozen=True, eq=False)
class Case:
    """One photo. set: of `SOURCES`, or "blends". kind: of `KINDS`. group: video, person or photo. change: see
    `CHANGES`.
    """

    set: str
    kind: str
    group: str
    change: str
    pixels: Pixels


@dataclass(frozen=True)
class Sample:
    """A case as the ensemble saw it. width: of the face's box in pixels; strange: `Weighed.strange`; far: `Look.far`;
    synthetic: `Examined.synthetic`; parts: log odds by part; blockiness, enlarged: as `Examined` has them.
    """

    set: str
    kind: str
    group: str
    change: str
    width: float
    strange: float
    far: float
    synthetic: bool
    parts: Mapping[str, float]
    blockiness: float
    enlarged: float

    @property
    def forged(self) -> bool:
        return self.kind != KINDS[0]

    @property
    def fitted_on(self) -> bool:
        return fitted_on(self.group)


def fitted_on(group: str) -> bool:
    """Which half a group is in: the one that is fitted on, or the one that is measured."""
    return zlib.crc32(group.encode()) % 2 == 0


def cases(crops: Path) -> Iterator[Case]:
    """All of them, in an order that stays the same.

    Args:
        crops: folder that `forensic.crops` filled.
    """
    rng = np.random.default_rng(SEED)
    changes = [name for name in CHANGES if name != AS_IT_IS]
    for name in SOURCES:
        photos = Photos.open(crops, name)
        for row in rng.permutation(np.flatnonzero(photos.val))[:MOST].tolist():
            kind, group = KINDS[photos.kind[row]], f"{name} {photos.group[row]}"
            yield from _both(name, kind, group, photos.face(row), changes[int(rng.integers(len(changes)))])
    for kind in FORGERIES:
        for name in (*AUTHENTIC, "stylegan_ffhq"):
            for pair in pairs(crops, kind, [name], seed=SEED, each=PAIRS[kind]):
                change, group = changes[int(rng.integers(len(changes)))], f"{name} {pair.group}"
                yield from _both("blends", KINDS[0], group, pair.honest, change)
                yield from _both("blends", kind, group, pair.forged, change)


def _both(name: str, kind: str, group: str, face: areas.Face, change: str) -> Iterator[Case]:
    for label in (AS_IT_IS, change):
        yield Case(name, kind, group, label, CHANGES[label](face).pixels)


def measured(crops: Path, cache: Path) -> Iterator[tuple[Case, Mapping[str, Any] | None]]:
    """Each case with its face and signals as JSON, None where no face was found; from the cache where it is there."""
    file = cache / "forgery_samples.jsonl"
    cache.mkdir(parents=True, exist_ok=True)
    known = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    detector, reader = FaceDetector("faceagent"), FaceReader()
    with file.open("a", encoding="utf-8") as stream:
        for number, case in enumerate(cases(crops)):
            line = known[number] if number < len(known) else json.dumps(_measure(case, detector, reader))
            if number >= len(known):
                stream.write(line + "\n")
                if number % _SAVE_EVERY == 0:
                    stream.flush()
                    sys.stderr.write(f"{number} measured\n")
            yield case, json.loads(line)


def _measure(case: Case, detector: FaceDetector, reader: FaceReader) -> dict[str, Any] | None:
    photo = Photo.open(case.pixels)
    face = main_face(detector.detect(photo, "image 1"), photo.width, photo.height)
    if face is None:
        return None
    points = reader.read_photo(photo, face).points
    features = signals.measure(photo, view.cut(photo.pixels, points)).features
    return {"face": face.model_dump(), "features": features}


def collected(crops: Path, cache: Path, model: Path) -> list[Sample | None]:
    """A sample of each case; None where no face was found. From the cache where this network has looked before.

    Args:
        model: faceagent-forensic as ONNX.
    """
    with model.open("rb") as stream:
        file = cache / f"forgery_samples-{hashlib.file_digest(stream, 'sha256').hexdigest()[:12]}.json"
    if not file.is_file():
        network = ForensicNetwork(model)
        found = [_sample(case, seen, network) for case, seen in measured(crops, cache)]
        file.write_text(json.dumps([one and dataclasses.asdict(one) for one in found]), encoding="utf-8")
    return [one and Sample(**one) for one in json.loads(file.read_text(encoding="utf-8"))]


def with_clip(found: Sequence[Sample | None], crops: Path, cache: Path) -> list[Sample | None]:
    """The same samples, with CLIP's log odds among their parts."""
    odds = iter(clip.probe().log_odds(clip_features(crops, cache)))
    return [one and dataclasses.replace(one, parts={**one.parts, ensemble.CLIP: float(next(odds))}) for one in found]


def clip_features(crops: Path, cache: Path) -> npt.NDArray[np.float32]:
    """What CLIP sees of each case in which a face was found [N, clip.FEATURES]: from the cache where it has looked.

    Raises:
        WeightsMissing: CLIP is not on this machine.
    """
    file = cache / "forgery_samples-clip.npy"
    if not file.is_file():
        network, features, waiting = clip.Clip(), [], []
        for case, found in measured(crops, cache):
            if found is not None:
                face = Face.model_validate(found["face"])
                waiting.append(windows.whole(case.pixels, *align.square_of(face)).pixels[0])
            if len(waiting) == _AT_ONCE:
                features.append(network.features(np.stack(waiting)).astype(np.float16))
                waiting.clear()
        if waiting:
            features.append(network.features(np.stack(waiting)).astype(np.float16))
        np.save(file, np.concatenate(features))
    return np.asarray(np.load(file), np.float32)


def _sample(case: Case, found: Mapping[str, Any] | None, network: ForensicNetwork) -> Sample | None:
    if found is None:
        return None
    face = Face.model_validate(found["face"])
    look = network.look(case.pixels, *align.square_of(face))
    weighed = signals.classifier().weigh(found["features"])
    return Sample(
        set=case.set,
        kind=case.kind,
        group=case.group,
        change=case.change,
        width=face.box.width,
        strange=weighed.strange,
        far=look.far,
        synthetic=ensemble.synthetic(look),
        parts=ensemble.parts_of(look, weighed),
        blockiness=ensemble.blockiness(case.pixels, face),
        enlarged=ensemble.enlarged(case.pixels, face),
    )
