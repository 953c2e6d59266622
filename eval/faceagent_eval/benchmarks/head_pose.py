"""AFLW2000-3D (Zhu et al., CVPR 2016) and BIWI (Fanelli et al., IJCV 2013): error of yaw, pitch and roll.

As published. AFLW2000-3D (cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA): a .mat file beside each photo: Pose_Para
holds pitch, yaw, roll in radians, pt3d_68 the points of the face; photos with an angle beyond ±99° are left out, as is
usual (Ruiz et al. 2018, Hopenet). BIWI (the Kinect head pose database, folder hpdb): NN/frame_NNNNN_rgb.png beside
NN/frame_NNNNN_pose.txt, a rotation matrix in three lines and the position below it. Angles and signs as in datasets.py
and utils.py of Hopenet (natanielruiz/deep-head-pose), which are those of `faceagent.types.Pose`.

Protocol: the pose that `estimate_pose` reads in the box of the product's own detector, also where the tool would
abstain. Faces that are not found are counted beside and have no part in the error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent.types import Face
from faceagent_eval import localisation
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.metrics import Bools, Floats
from faceagent_eval.photo_sets import Item, PhotoBenchmark, Seen, box_of, numbers, over
from faceagent_tools import readable
from faceagent_tools.embedding import main_face

ANGLES = ("yaw", "pitch", "roll")
WIDEST = 99.0
"""Degrees, beyond which a photo of AFLW2000-3D is left out."""
TURNED = (0.0, 30.0, 60.0, WIDEST)
"""|yaw| at which bands begin and end."""


@dataclass(frozen=True)
class Labelled(Item):
    """angles: yaw, pitch, roll in degrees. points: [68, 2] in pixels; of BIWI, which shows one person, none."""

    angles: tuple[float, float, float]
    points: npt.NDArray[np.float64] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Read:
    """angles: yaw, pitch, roll in degrees. told: whether the tool would tell them."""

    angles: tuple[float, float, float]
    told: bool


class HeadPose(PhotoBenchmark[Labelled, Read]):
    """See the module."""

    name = "pose"
    about = "AFLW2000-3D and BIWI: mean absolute error of yaw, pitch and roll"
    layout = """\
DIR/                             either or both
  AFLW2000/image00002.jpg, image00002.mat
  hpdb/                          BIWI
    01/frame_00003_rgb.png, frame_00003_pose.txt"""

    def items(self) -> Sequence[Labelled]:
        return self.chosen([*self._of_aflw(), *self._of_biwi()])

    def look(self, item: Labelled, photo: Photo) -> Read | None:
        face = self._face(item, photo)
        if face is None:
            return None
        reading = self.reader.read_photo(photo, face)
        pose = reading.pose
        return Read((pose.yaw, pose.pitch, pose.roll), readable.why_not(photo, face, reading) is None)

    def score(self, measured: Sequence[Seen[Labelled, Read]]) -> Result:
        figures: list[Figure] = []
        for name in dict.fromkeys(seen.item.set for seen in measured):
            mine = [seen for seen in measured if seen.item.set == name and seen.readable]
            figures.append(proportion(f"{name}: face found", [seen.found is not None for seen in mine]))
            figures += _figures(name, [seen for seen in mine if seen.found is not None])
        return self.scored(
            measured,
            f"faces within ±{WIDEST:.0f}° (AFLW2000-3D); what is read, also where the tool would abstain",
            figures,
            (row for place, seen in enumerate(measured) for row in _item_scores(place, seen)),
        )

    def _face(self, item: Labelled, photo: Photo) -> Face | None:
        faces = self.detector.detect(photo, "image 1")
        if item.points is None:
            return main_face(faces, photo.width, photo.height)
        return over(faces, box_of(item.points))

    def _of_aflw(self) -> Iterator[Labelled]:
        """
        Raises:
            LayoutError: a .mat file does not hold the pose and the points.
        """
        for path in sorted((self.data / "AFLW2000").glob("*.mat")):
            held = self.matrices(path)
            pose, points = np.ravel(held.get("Pose_Para", ())), np.asarray(held.get("pt3d_68", ()))
            if pose.size < 3 or points.ndim != 2 or points.shape[0] < 2:
                raise self.mismatch(f"AFLW2000/{path.name} does not hold Pose_Para and pt3d_68")
            pitch, yaw, roll = np.degrees(pose[:3].astype(np.float64)).tolist()
            if max(abs(yaw), abs(pitch), abs(roll)) <= WIDEST:
                place = np.asarray(points[:2].T, np.float64)
                yield Labelled(path.with_suffix(".jpg"), "AFLW2000-3D", (yaw, pitch, roll), place)

    def _of_biwi(self) -> Iterator[Labelled]:
        for path in sorted((self.data / "hpdb").glob("*/frame_*_pose.txt")):
            rows = [numbers(text.split()) for text in self.lines(path) if text.strip()]
            if len(rows) != 4 or any(row is None or len(row) != 3 for row in rows):
                place = path.relative_to(self.data).as_posix()
                raise self.mismatch(f"{place} is not a rotation in three lines and a position below it")
            photo = path.with_name(path.name.replace("_pose.txt", "_rgb.png"))
            yield Labelled(photo, "BIWI", angles_of(np.array(rows[:3], np.float64)))


def angles_of(rotation: Floats) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a rotation [3, 3] of BIWI."""
    turn = rotation.T
    yaw = np.arctan2(turn[2, 0], np.hypot(turn[2, 1], turn[2, 2]))
    pitch = np.arctan2(turn[2, 1], turn[2, 2])
    roll = -np.arctan2(turn[1, 0], turn[0, 0])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def _figures(name: str, seen: Sequence[Seen[Labelled, Read]]) -> Iterator[Figure]:
    found = [(one.item.angles, one.found) for one in seen if one.found is not None]
    if not found:
        return
    true = np.array([angles for angles, _ in found])
    off = localisation.angle_error(np.array([read.angles for _, read in found]), true)
    told = np.array([read.told for _, read in found])
    yield from _errors(name, off, np.ones(len(off), np.bool_))
    yield proportion(f"{name}: the tool would tell", told)
    yield from _errors(f"{name}, where the tool would tell", off, told)
    turned = np.abs(true[:, 0])
    for low, high in pairwise(TURNED):
        at = (turned >= low) & (turned < high)
        yield from _errors(f"{name}, |yaw| {low:.0f}-{high:.0f}°", off, at)


def _errors(name: str, off: Floats, at: Bools) -> Iterator[Figure]:
    if not at.any():
        return
    for column, angle in enumerate(ANGLES):
        yield resampled(f"{name}: MAE of {angle}", _mean, [off[at][:, column]], unit="degrees")
    yield resampled(f"{name}: MAE", _mean, [off[at].mean(axis=1)], unit="degrees")


def _mean(values: Floats) -> float:
    return float(values.mean())


def _item_scores(place: int, seen: Seen[Labelled, Read]) -> Iterator[ItemScore]:
    if seen.found is None:
        errors: list[float | None] = [None] * len(ANGLES)
    else:
        errors = localisation.angle_error(np.array(seen.found.angles), np.array(seen.item.angles)).tolist()
    for angle, error in zip(ANGLES, errors, strict=True):
        yield ItemScore(id=f"photo {place}", of=f"{seen.item.set}: error of {angle}", score=error)
