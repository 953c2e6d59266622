"""WIDER FACE (Yang et al., CVPR 2016), validation: average precision of the detector on easy, medium and hard faces.

As published (shuoyang1213.me/WIDERFACE): wider_face_split/wider_face_val_bbx_gt.txt has for each photo its path, the
number of faces, and a line "x y w h blur expression illumination invalid occlusion pose" for each (one of zeros where
there is none), beside WIDER_val/images. Which faces are easy, medium and hard is in eval_tools/ground_truth
(wider_face_val.mat and wider_{easy,medium,hard}_val.mat: event_list, file_list, and gt_list, whose numbers, from 1,
name faces of a photo; read as in widerface_evaluate/evaluation.py of biubug6/Pytorch_Retinaface).

Protocol: theirs (`localisation.wider_counts`), IoU 0.5, one scale. The detector runs as in the product, with its lines
lowered as far as `FLOOR`; our network's unsure finds still have to look like a face to the network that reads faces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent_eval import localisation
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import resampled
from faceagent_eval.metrics import Floats
from faceagent_eval.photo_sets import Item, PhotoBenchmark, Seen, numbers
from faceagent_finetune.plot import Chart, line
from faceagent_tools import weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.trunk import WEIGHTS

FLOOR = {"dlib": -0.5, "faceagent": 0.3, "yunet": 0.1, "scrfd": 0.1, "retinaface": 0.1}
"""Score from which a detection counts, by backend. Fewer are found than by protocols that take scores from 0.02."""
SUBSETS = ("easy", "medium", "hard")
ALL = "all"
_INVALID = 7  # column of a face's line
_COLUMNS = 10
_BATCH_ROUNDS = 200


@dataclass(frozen=True)
class Labelled(Item):
    """boxes: (x, y, width, height) of every face. kept: by subset, the places of the faces that count."""

    boxes: tuple[tuple[float, ...], ...]
    kept: Mapping[str, tuple[int, ...]]


Found = npt.NDArray[np.float64]
"""[N, 5]: x, y, width, height, score."""


class WiderFace(PhotoBenchmark[Labelled, Found]):
    """See the module."""

    name = "wider-face"
    about = "WIDER FACE, validation: average precision of detection on easy, medium and hard faces"
    layout = """\
DIR/
  wider_face_split/wider_face_val_bbx_gt.txt
  WIDER_val/images/0--Parade/0_Parade_marchingband_1_465.jpg
  eval_tools/ground_truth/       for easy, medium and hard: wider_face_val.mat, wider_{easy,medium,hard}_val.mat"""

    def items(self) -> Sequence[Labelled]:
        self.detector = FaceDetector(self.backend, margin=FLOOR[self.backend], floor=FLOOR[self.backend])
        labelled = list(self._labelled())
        subsets = self._subsets()
        self._names = tuple(subsets) or (ALL,)
        found = []
        for item in labelled:
            name = item.photo.relative_to(self.data / "WIDER_val" / "images").with_suffix("").as_posix()
            kept = {subset: places.get(name, ()) for subset, places in subsets.items()} or item.kept
            if any(place >= len(item.boxes) for places in kept.values() for place in places):
                raise self.mismatch(f"{name} has fewer faces in wider_face_val_bbx_gt.txt than in eval_tools")
            found.append(replace(item, kept=kept))
        return self.chosen(found)

    def look(self, item: Labelled, photo: Photo) -> Found:
        faces = self.detector.detect(photo, "image 1")
        rows = [(face.box.x0, face.box.y0, face.box.width, face.box.height, face.score) for face in faces]
        return np.array(rows, np.float64).reshape(-1, 5)

    def score(self, measured: Sequence[Seen[Labelled, Found]]) -> Result:
        pairs = [(seen.item, seen.found) for seen in measured if seen.found is not None]
        scores = np.concatenate([found[:, 4] for _, found in pairs]) if pairs else np.zeros(0)
        low, high = (float(scores.min()), float(scores.max())) if scores.size else (0.0, 1.0)
        scaled = [(one, _scaled(found, low, high)) for one, found in pairs]
        figures, curves, items = [], {}, []
        for name in self._names:
            counts = np.array([_counts(one, found, name) for one, found in scaled])
            faces = np.array([len(one.kept[name]) for one, _ in scaled])
            figures.append(
                resampled(f"{name}: AP", _average_precision, [counts, faces], rounds=_BATCH_ROUNDS, n=int(faces.sum()))
            )
            summed = counts.sum(axis=0)
            recall = summed[:, 1] / max(int(faces.sum()), 1)
            figures.append(
                Figure(name=f"{name}: recall of all detections", value=float(recall[-1]), n=int(faces.sum()))
            )
            curves[name] = line(recall, summed[:, 1] / np.maximum(summed[:, 0], 1))
            items += list(_item_scores(name, counts, faces))
        note = (
            "WIDER's boxes reach from the forehead to the chin; a detector that draws others (dlib) loses by IoU 0.5."
        )
        alone = () if self._names != (ALL,) else ("eval_tools/ground_truth is not there: all valid faces are one set.",)
        return self.scored(
            measured,
            f"official evaluation, IoU 0.5, one scale, scores from {FLOOR[self.backend]}; {len(pairs)} photos",
            figures,
            items,
            methods=(self.detector.method, weights.method(WEIGHTS), self.reader.method),
            notes=(note, *alone),
            curves={"precision": Chart(title="WIDER FACE", x="recall", y="precision", lines=curves)},
        )

    def _labelled(self) -> Iterator[Labelled]:
        """The photos of wider_face_val_bbx_gt.txt; kept are the faces that are not marked invalid.

        Raises:
            LayoutError: a line is not as expected.
        """
        path = self.data / "wider_face_split" / "wider_face_val_bbx_gt.txt"
        lines = enumerate(self.lines(path), start=1)
        for number, name in lines:
            count = next(lines, (number + 1, ""))[1].strip()
            if not re.fullmatch(r"\S+/\S+", name.strip()) or not count.isdecimal():
                raise self.mismatch(
                    f"line {number} of {path.name} is not a photo's path with a number of faces below it"
                )
            rows = []
            for _ in range(max(int(count), 1)):
                at, text = next(lines, (number + 1, ""))
                values = numbers(text.split())
                if values is None or len(values) != _COLUMNS:
                    raise self.mismatch(f"line {at} of {path.name} is not x y w h and six labels")
                rows.append(values)
            faces = [row for row in rows if int(count)]
            valid = tuple(place for place, row in enumerate(faces) if not row[_INVALID])
            photo = self.data / "WIDER_val" / "images" / name.strip()
            yield Labelled(photo, "WIDER FACE", tuple(tuple(row[:4]) for row in faces), {ALL: valid})

    def _subsets(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """Places of the faces that count, by subset and photo; nothing where the files are not there.

        Raises:
            LayoutError: some of the files are there, and others are missing or not as expected.
        """
        folder = self.data / "eval_tools" / "ground_truth"
        if not folder.is_dir():
            return {}
        files = {name: folder / f"wider_{name}_val.mat" for name in ("face", *SUBSETS)}
        try:
            known = self.matrices(files["face"])
            names = [
                [f"{event[0][0]}/{photo[0][0]}" for photo in photos[0]]
                for event, photos in zip(known["event_list"], known["file_list"], strict=True)
            ]
            return {subset: dict(_places(names, self.matrices(files[subset])["gt_list"])) for subset in SUBSETS}
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise self.mismatch(f"eval_tools/ground_truth is not that of WIDER FACE ({error})") from None


def _places(names: Sequence[Sequence[str]], gt_list: npt.NDArray[np.object_]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for event, kept in zip(names, gt_list, strict=True):
        for name, (faces,) in zip(event, kept[0], strict=True):
            yield name, tuple(int(face) - 1 for face in np.ravel(faces))


def _scaled(found: Found, low: float, high: float) -> Found:
    """Scores brought to 0-1 over all photos, as in the official evaluation."""
    return np.column_stack([found[:, :4], (found[:, 4] - low) / (high - low) if high > low else np.ones(len(found))])


def _counts(item: Labelled, found: Found, subset: str) -> localisation.Counts:
    boxes = np.array(item.boxes, np.float64).reshape(-1, 4)
    kept = np.isin(np.arange(len(boxes)), item.kept[subset])
    return localisation.wider_counts(found[:, :4], found[:, 4], boxes, kept)


def _average_precision(counts: localisation.Counts, faces: Floats) -> float:
    return localisation.wider_average_precision(counts.sum(axis=0), int(faces.sum()))


def _item_scores(name: str, counts: localisation.Counts, faces: Floats) -> Iterator[ItemScore]:
    """Of each photo with such faces the share that is found at all."""
    for place in np.flatnonzero(faces).tolist():
        found = float(counts[place, -1, 1] / faces[place])
        yield ItemScore(id=f"photo {place}", of=f"{name}: recall, by photo", score=found)
