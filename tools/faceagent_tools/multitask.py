"""faceagent-multitask: what our own network reads off an aligned face, and the one place that runs it.

Trained by `faceagent_finetune.nets.multitask` and shipped with the package (networks/, with its model card). Tools ask
`FaceReader` and share its answer: a face is read once a session, whatever is asked about it.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.types import Face, Method, Pose
from faceagent_tools import align, runtime, trunk, weights
from faceagent_tools.align import Aligned
from faceagent_tools.trunk import MAPS, Trunk, Views

WEIGHTS = "faceagent-multitask"
SIZE = trunk.CHIP_SIZE
"""Side of the crop in pixels: the recogniser's, on whose maps the network is built."""

AGES = 101  # one class a year, 0-100; older counts as 100
RACES = ("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern")
"""FairFace's categories (Kärkkäinen & Joo 2021), as its annotators perceived them."""
AGE_GROUPS = ((0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 100))
"""FairFace's, first and last year."""
EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""FER+ (Barsoum et al. 2016)."""
# fmt: off
ATTRIBUTES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)
# fmt: on
"""CelebA (Liu et al. 2015)."""
POINTS = 78  # 68 in the usual order of 300-W, then centre and rim of each iris
POSE = ("yaw", "pitch", "roll")  # degrees; signs of faceagent.types.Pose; roll against the crop, which is level
OPENINGS = ("left_eye", "right_eye", "mouth")  # height / width

USABLE = ("face", "detail")
"""Whether the crop holds a face at all, and how much of what tells a face apart is left in it (blur, dark, covers)."""

HEADS: Mapping[str, int] = {
    "age": AGES,
    "gender": 1,  # logit of male
    "race": len(RACES),
    "attributes": len(ATTRIBUTES),
    "emotion": len(EMOTIONS),
    "points": 2 * POINTS,
    "pose": len(POSE),
    "openings": len(OPENINGS),
}
OUTPUTS = (*HEADS, "usable")

Floats = npt.NDArray[np.float64]


def _mirror_68() -> list[int]:
    pairs = [(k, 16 - k) for k in range(8)] + [(17 + k, 26 - k) for k in range(5)] + [(31, 35), (32, 34)]
    pairs += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)]
    order = list(range(68))
    for left, right in pairs:
        order[left], order[right] = right, left
    return order


MIRROR = np.array([*_mirror_68(), 73, 76, 75, 74, 77, 68, 71, 70, 69, 72])
"""After a flip the point k is where MIRROR[k] was. Rim points 1 and 3 of an iris lie to the sides, 2 and 4 above and
below."""


@dataclass(frozen=True)
class Reading:
    """What the network says of one face; class probabilities are calibrated on val photos (`calibration`).

    years: [101] probability of each age. age: their mean; age_low, age_high: an 80 % interval. male: probability that
    people would say male. races [7], emotions [8]: probabilities that sum to 1, in the order of `RACES`, `EMOTIONS`.
    attributes: [40] probabilities, in the order of `ATTRIBUTES`. points: [78, 2] in upright pixels of the photo.
    openings: height / width of the eye nearer the left edge of an upright image, of the other eye, and of the mouth.
    face: probability that the crop holds a face. detail: 0-1, how much like a sharp photo of itself the face would look
    to the recogniser.
    """

    years: Floats
    age: float
    age_low: float
    age_high: float
    male: float
    races: Floats
    attributes: Floats
    emotions: Floats
    points: Floats
    pose: Pose
    openings: tuple[float, float, float]
    face: float
    detail: float


@dataclass(frozen=True)
class Calibration:
    """Temperatures of the class heads and of the age interval, with what they were fitted on.

    detail: below this `Reading.detail` the network is wrong too often to be asked.
    """

    gender: float
    race: float
    emotion: float
    age: float
    covered: float
    detail: float
    table: Mapping[str, Any]


@cache
def calibration() -> Calibration:
    """The table that ships with the network; `table` is all of faceagent-multitask.json."""
    text = files("faceagent_tools").joinpath("networks", f"{WEIGHTS}.json").read_text(encoding="utf-8")
    table = json.loads(text)
    fitted = table["calibration"]
    return Calibration(
        gender=fitted["gender"]["temperature"],
        race=fitted["race"]["temperature"],
        emotion=fitted["emotion"]["temperature"],
        age=fitted["age"]["temperature"],
        covered=fitted["age"]["interval"],
        detail=table["figures"].get("usable", {}).get("detail_line", 0.0),
        table=table,
    )


class FaceReader:
    """Runs the network on one face at a time. Its weights are loaded by the first call."""

    def __init__(self, shared: Trunk | None = None, threads: int = 1) -> None:
        self._trunk = shared or Trunk(threads)
        self._session: Any = None
        self._threads = threads
        self._lock = threading.Lock()

    @property
    def method(self) -> Method:
        return weights.method(WEIGHTS)

    def read(self, session: Session, face: Face) -> Reading:
        """The same as `read_photo`, once per face of a session.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        return session.memo(("multitask", face.id, face.box), lambda: self._read(align.of(session, face)))

    def read_photo(self, photo: Photo, face: Face) -> Reading:
        """Cut the aligned crop and read it.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        return self._read(align.aligned(photo, face))

    def _read(self, face: Aligned) -> Reading:
        crop = SIZE, trunk.CHIP_PADDING
        return reading(self.outputs(face.chip(*crop)), face.to_chip(*crop))

    def outputs(self, chip: Pixels) -> dict[str, Floats]:
        """Raw outputs for uint8 RGB [150, 150, 3], the mean over the crop and its mirror image; a row each head.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        found = self.heads(self._trunk.both_ways(chip))
        mean = averaged(*({name: rows[view] for name, rows in found.items()} for view in ([0], [1])))
        return {name: rows[0] for name, rows in mean.items()}

    def heads(self, views: Views) -> dict[str, npt.NDArray[np.float32]]:
        """Raw outputs [N, ...] of every head for what the trunk sees of N crops.

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        with self._lock:
            session = self._loaded()
        return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {name: views[name] for name in MAPS}), strict=True))

    def _loaded(self) -> Any:
        if self._session is None:
            self._session = runtime.session(weights.path(WEIGHTS), self._threads)
        return self._session


def averaged(plain: Mapping[str, npt.NDArray[Any]], mirrored: Mapping[str, npt.NDArray[Any]]) -> dict[str, Floats]:
    """Mean of the outputs [N, ...] for some crops and for their mirror images, the latter turned back."""
    turned = dict(mirrored)
    points = turned["points"].reshape(-1, POINTS, 2)[:, MIRROR]
    turned["points"] = np.stack([1.0 - points[..., 0], points[..., 1]], axis=2).reshape(len(points), -1)
    turned["pose"] = turned["pose"] * np.array([-1.0, 1.0, -1.0])
    turned["openings"] = turned["openings"][:, [1, 0, 2]]
    return {name: (values.astype(np.float64) + turned[name]) / 2 for name, values in plain.items()}


def reading(outputs: Mapping[str, Floats], to_chip: Floats) -> Reading:
    """Outputs of the network as a reading.

    Args:
        to_chip: [2, 3], from upright pixels of the photo to pixels of the crop.
    """
    fitted = calibration()
    years = softmax(outputs["age"])
    low, high = interval(outputs["age"] / fitted.age, fitted.covered)
    turn = to_chip[:, :2]
    points = (outputs["points"].reshape(POINTS, 2) * SIZE - to_chip[:, 2]) @ np.linalg.inv(turn).T
    yaw, pitch, roll = outputs["pose"]
    roll -= math.degrees(math.atan2(turn[1, 0], turn[0, 0]))  # by which the crop turned the face upright
    return Reading(
        years=years,
        age=float(years @ np.arange(AGES)),
        age_low=low,
        age_high=high,
        male=_sigmoid(outputs["gender"][0] / fitted.gender),
        races=softmax(outputs["race"] / fitted.race),
        attributes=1 / (1 + np.exp(-outputs["attributes"])),
        emotions=softmax(outputs["emotion"] / fitted.emotion),
        points=points,
        pose=Pose(yaw=float(yaw), pitch=float(pitch), roll=float(roll)),
        openings=(float(outputs["openings"][0]), float(outputs["openings"][1]), float(outputs["openings"][2])),
        face=_sigmoid(outputs["usable"][0]),
        detail=_sigmoid(outputs["usable"][1]),
    )


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + math.exp(-logit)))


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def interval(logits: Floats, covered: float) -> tuple[float, float]:
    """Ages between which the distribution [101] holds `covered` of its mass."""
    mass = np.cumsum(softmax(logits))
    return float((mass < (1 - covered) / 2).sum()), float((mass < (1 + covered) / 2).sum())
