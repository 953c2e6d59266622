"""Published networks through the package `uniface` (MIT; extra `uniface`): thin adapters in this product's types.

    python -m faceagent_tools.uniface_backends            # what there is, licences, what is here
    python -m faceagent_tools.uniface_backends NAME       # download it with uniface, which checks its SHA-256

uniface downloads when a network is first used; here nothing is downloaded unless it is asked for, and a file that is
not in uniface's cache (UNIFACE_CACHE_DIR, or ~/.uniface/models) is `WeightsMissing`. uniface requires opencv-python,
which does not live in one environment with opencv-python-headless (both bring the folder `cv2`).

The adapters were tested with small ONNX files made for the purpose, with the same inputs and outputs, and not with the
published weights: how well those do in this product has not been measured, and no threshold or calibration of ours
holds for them. Left out: emotion (uniface runs it in torch), its MiniFASNet (`minifasnet` has both networks and cuts as
upstream does). It has no SFace; SphereFace is another network.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import FaceAgentError, MissingExtra, ToolError, UsageError, WeightsCorrupt, WeightsMissing
from faceagent.media import Photo, Pixels
from faceagent.tool import Backend
from faceagent.types import Box, Face, Method, Pose
from faceagent_tools.weights import Progress
from faceagent_tools.yunet import Found

Mask = npt.NDArray[np.bool_]
_INSIGHTFACE = "InsightFace weights: non-commercial research only"
_SEGMENTS = "https://github.com/yakhyo/face-parsing (BiSeNet, Yu et al. 2018; trained on CelebAMask-HQ)"


@dataclass(frozen=True)
class Network:
    """One published network. made_by: class in uniface; weights: its enum and member."""

    name: str
    made_by: str
    weights: str
    licence: str
    source: str


_NETWORKS = (
    Network(
        "uniface-bisenet",
        "uniface.parsing.BiSeNet",
        "ParsingWeights.RESNET18",
        "MIT; trained on CelebAMask-HQ (non-commercial research)",
        _SEGMENTS,
    ),
    Network(
        "uniface-headpose",
        "uniface.headpose.HeadPose",
        "HeadPoseWeights.RESNET18",
        "MIT; trained on 300W-LP (research)",
        "https://github.com/yakhyo/head-pose-estimation (6-D rotations, Hempel et al. 2022)",
    ),
    Network(
        "uniface-gaze",
        "uniface.gaze.MobileGaze",
        "GazeWeights.RESNET34",
        "MIT; trained on Gaze360 (research)",
        "https://github.com/yakhyo/gaze-estimation (L2CS, Abdelrahman et al. 2022)",
    ),
    Network(
        "uniface-fairface",
        "uniface.attribute.FairFace",
        "FairFaceWeights.DEFAULT",
        "CC BY 4.0",
        "https://github.com/yakhyo/fairface-onnx (Kärkkäinen & Joo 2021)",
    ),
    Network(
        "uniface-arcface",
        "uniface.recognition.ArcFace",
        "ArcFaceWeights.MNET",
        _INSIGHTFACE,
        "https://github.com/deepinsight/insightface (Deng et al. 2019)",
    ),
    Network(
        "uniface-adaface",
        "uniface.recognition.AdaFace",
        "AdaFaceWeights.IR_18",
        "MIT; trained on WebFace4M (research)",
        "https://github.com/yakhyo/adaface-onnx (Kim et al. 2022)",
    ),
    Network(
        "uniface-edgeface",
        "uniface.recognition.EdgeFace",
        "EdgeFaceWeights.XS_GAMMA_06",
        "published by Idiap under CC BY-NC-SA 4.0: non-commercial",
        "https://github.com/yakhyo/edgeface-onnx (George et al. 2023)",
    ),
    Network(
        "uniface-scrfd",
        "uniface.detection.SCRFD",
        "SCRFDWeights.SCRFD_10G_KPS",
        _INSIGHTFACE,
        "https://github.com/deepinsight/insightface (Guo et al. 2021, arXiv:2105.04714; trained on WIDER FACE)",
    ),
    Network(
        "uniface-retinaface",
        "uniface.detection.RetinaFace",
        "RetinaFaceWeights.MNET_V2",
        "MIT; trained on WIDER FACE (research)",
        "https://github.com/yakhyo/retinaface-pytorch (Deng et al. 2020)",
    ),
    Network(
        "uniface-sphereface",
        "uniface.recognition.SphereFace",
        "SphereFaceWeights.SPHERE20",
        "MIT; trained on MS1MV2 (research)",
        "https://github.com/yakhyo/face-recognition (Liu et al. 2017)",
    ),
)
NETWORKS: Mapping[str, Network] = MappingProxyType({row.name: row for row in _NETWORKS})
DETECTORS = ("uniface-scrfd", "uniface-retinaface")
SCORE = 0.5
"""From which on both detectors of uniface count a face unless told otherwise."""
RECOGNISERS = ("uniface-arcface", "uniface-adaface", "uniface-edgeface", "uniface-sphereface")


# The one seam to uniface


def opened(name: str, **options: Any) -> Any:
    """The network, made by uniface from the file in its cache, on the CPU.

    Args:
        options: further ones of its class in uniface.

    Raises:
        MissingExtra: uniface is not installed.
        WeightsMissing, WeightsCorrupt: its file is not here, or is not the published one.
    """
    place = found(name)
    if place is None:
        raise WeightsMissing(f"The model file of {name} is not on this machine", _mend(name))
    if not _imported("uniface.model_store").verify_file_hash(str(place), _published(name).sha256):
        raise WeightsCorrupt(f"{place} does not have the SHA-256 published for {name}", _mend(name))
    module, _, cls = row(name).made_by.rpartition(".")
    make = getattr(_imported(module), cls)
    try:
        return make(model_name=_member(name), providers=["CPUExecutionProvider"], **options)
    except RuntimeError as error:  # what uniface makes of every failure
        raise ToolError(f"uniface cannot open {name} ({error})", "Update uniface") from error


def row(name: str) -> Network:
    """The table's row of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in NETWORKS:
        raise UsageError(f"There is no network called {name!r}", f"Known are {', '.join(NETWORKS)}")
    return NETWORKS[name]


def found(name: str) -> Path | None:
    """Where its file lies in uniface's cache, checked or not; None where it is not there.

    Raises:
        MissingExtra: uniface is not installed.
    """
    place = Path(_imported("uniface.model_store").get_cache_dir()) / f"{_member(name).value}.onnx"
    return place if place.is_file() else None


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Let uniface download the file and check its SHA-256.

    Raises:
        MissingExtra: uniface is not installed.
        WeightsMissing: the origin cannot be reached, or what came has another SHA-256.
    """
    try:
        return Path(_imported("uniface.model_store").verify_model_weights(_member(name)))
    except (OSError, ValueError) as error:  # uniface raises ConnectionError, an OSError
        raise WeightsMissing(f"uniface could not fetch {name} ({error})", "Check the connection") from error


def method(name: str) -> Method:
    """Name, version of uniface, licence of the weights, hash and source. Opens no file."""
    network, version = row(name), _version()
    return Method(
        name=network.name,
        version=version or "not installed",
        licence=network.licence,
        sha256=_published(name).sha256 if version else None,
        source=network.source,
    )


def backend(name: str, tool: str, *, chosen: bool = False) -> Backend:
    """The network as one of a tool's backends."""
    installed = _version() is not None
    here = installed and found(name) is not None
    how = _mend(name) if installed else "pip install 'faceagent[uniface]'"
    get = partial(fetch, name) if installed else None
    return Backend(tool, method(name), "published", here=here, chosen=chosen, how=None if here else how, fetch=get)


def _version() -> str | None:
    try:
        return importlib.metadata.version("uniface")
    except importlib.metadata.PackageNotFoundError:
        return None


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra("Running networks of uniface", "uniface") from error


def _member(name: str) -> Any:
    enum, _, member = row(name).weights.partition(".")
    return getattr(_imported("uniface.constants"), enum)[member]


def _published(name: str) -> Any:
    return _imported("uniface.constants").MODEL_REGISTRY[_member(name)]


def _mend(name: str) -> str:
    return f"Get it with: python -m faceagent_tools.uniface_backends {name}"


# Adapters


class Adapter:
    """A network of uniface by its name, opened by the first call."""

    name: str

    @property
    def method(self) -> Method:
        return method(self.name)

    @cached_property
    def _network(self) -> Any:
        return opened(self.name)


class UnifaceDetector(Adapter):
    """A face detector.

    Args:
        name: one of `DETECTORS`.
        score: faces below are dropped.

    Raises:
        UsageError: it is none of them.
    """

    def __init__(self, name: str, score: float = SCORE) -> None:
        if name not in DETECTORS:
            raise UsageError(f"{name!r} is no detector of uniface", f"Use one of {', '.join(DETECTORS)}")
        self.name, self._score = name, score

    @cached_property
    def _network(self) -> Any:
        return opened(self.name, confidence_threshold=self._score)

    def detect(self, pixels: Pixels) -> Found:
        """Faces in RGB uint8 [H, W, 3], strongest first, with the eyes, the nose tip and the corners of the mouth.

        Raises:
            MissingExtra, WeightsError: uniface or the file is missing.
        """
        faces = self._network.detect(_bgr(pixels))
        return Found(
            boxes=np.array([face.bbox for face in faces], np.float32).reshape(-1, 4),
            scores=np.array([face.confidence for face in faces], np.float32),
            points=np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2),
        )


class UnifaceParser(Adapter):
    """BiSeNet: 19 classes of CelebAMask-HQ as masks of regions (`parsing.Parser`)."""

    name = "uniface-bisenet"

    def parse(self, photo: Photo, face: Face) -> dict[str, Mask]:
        """One mask [H, W] of the photo's size a region; they do not overlap. Sides are those of the photo.

        Raises:
            MissingExtra, WeightsError: uniface or the file is missing.
        """
        place, crop = cut(photo, face.box.scaled_about_centre(HEAD))
        classes = np.zeros(photo.pixels.shape[:2], np.uint8)
        classes[place] = self._network.parse(crop)
        masks = {name: np.isin(classes, numbers) for name, numbers in CLASSES.items()}
        for part, numbers in SIDED.items():
            masks |= by_side(part, [classes == number for number in numbers], face.box.centre[0])
        return masks


HEAD = 1.6
"""Side of the crop in units of the face's box: CelebAMask-HQ shows heads with hair and neck."""
CLASSES: Mapping[str, tuple[int, ...]] = {
    "skin": (1,),
    "nose": (10,),
    "lips": (12, 13),
    "mouth_opening": (11,),
    "glasses": (6,),
    "ears": (7, 8),
    "earrings": (9,),
    "neck": (14,),
    "necklace": (15,),
    "clothes": (16,),
    "hair": (17,),
    "hat": (18,),
}
SIDED: Mapping[str, tuple[int, int]] = {"brow": (2, 3), "eye": (4, 5)}


def by_side(part: str, masks: Sequence[Mask], middle: float) -> dict[str, Mask]:
    """Both of a pair by where they lie in the photo: whose left "left" is differs between publications.

    Args:
        middle: x that divides the face, for a single one.
    """
    names = (f"{part}_nearer_left_edge", f"{part}_nearer_right_edge")
    seen = sorted((float(np.nonzero(mask)[1].mean()), place) for place, mask in enumerate(masks) if mask.any())
    empty = np.zeros_like(masks[0])
    if len(seen) == 2:
        return {name: masks[place] for name, (_, place) in zip(names, seen, strict=True)}
    if not seen:
        return dict.fromkeys(names, empty)
    (x, place), *_ = seen
    left = x < middle
    return {names[0]: masks[place] if left else empty, names[1]: empty if left else masks[place]}


class UnifaceHeadPose(Adapter):
    """Head pose from a network with 6-D rotations."""

    name = "uniface-headpose"

    def pose(self, photo: Photo, face: Face) -> Pose:
        """Degrees in our signs, which are those of uniface's drawings (the words of its manual differ on pitch).

        Raises:
            MissingExtra, WeightsError: uniface or the file is missing.
        """
        told = self._network.estimate(cut(photo, face.box)[1])
        return Pose(yaw=told.yaw, pitch=told.pitch, roll=told.roll)


@dataclass(frozen=True)
class Gaze:
    """Where the eyes look against the camera's axis, in degrees.

    yaw > 0: towards the left edge of the image. pitch > 0: upwards.
    """

    yaw: float
    pitch: float


class UnifaceGaze(Adapter):
    """Gaze from a face."""

    name = "uniface-gaze"

    def gaze(self, photo: Photo, face: Face) -> Gaze:
        """Signs are those of uniface's drawings.

        Raises:
            MissingExtra, WeightsError: uniface or the file is missing.
        """
        told = self._network.estimate(cut(photo, face.box)[1])
        return Gaze(yaw=math.degrees(told.yaw), pitch=math.degrees(told.pitch))


@dataclass(frozen=True)
class Demography:
    """FairFace's labels; uniface gives no probabilities. age_group as "20-29" or "70+"."""

    gender: str
    age_group: str
    race: str


class UnifaceFairFace(Adapter):
    """FairFace's own network."""

    name = "uniface-fairface"

    def read(self, photo: Photo, face: Face) -> Demography:
        """As perceived.

        Raises:
            MissingExtra, WeightsError: uniface or the file is missing.
        """
        told = self._network.predict(_bgr(photo.pixels), _their_face(face))
        return Demography(gender="female" if told.gender == 0 else "male", age_group=told.age_group, race=told.race)


class UnifaceEmbedder(Adapter):
    """A recogniser. Its vectors compare by cosine, and only with vectors of the same network.

    Args:
        name: one of `RECOGNISERS`.

    Raises:
        UsageError: it is none of them.
    """

    def __init__(self, name: str) -> None:
        if name not in RECOGNISERS:
            raise UsageError(f"{name!r} is no recogniser of uniface", f"Use one of {', '.join(RECOGNISERS)}")
        self.name = name

    def embed(self, photo: Photo, face: Face) -> npt.NDArray[np.float32]:
        """[512], of length 1. uniface aligns the face by eyes, nose tip and corners of the mouth.

        Raises:
            ToolError: the detector gave no such points.
            MissingExtra, WeightsError: uniface or the file is missing.
        """
        if face.landmark_scheme != "eyes-nosetip-mouth":
            raise ToolError(
                f"{self.name} needs the nose tip and the mouth of {face.id}, which its detector does not give",
                "Use YuNet: faceagent models get yunet_n_dynamic",
            )
        points = np.array(face.landmarks, np.float32)
        vector = self._network.get_normalized_embedding(_bgr(photo.pixels), points)
        return np.asarray(vector, dtype=np.float32)


def cut(photo: Photo, box: Box) -> tuple[tuple[slice, slice], Pixels]:
    """The part of a box that lies in the photo: where (rows, columns), and its pixels in BGR.

    Raises:
        ToolError: nothing of it does.
    """
    inside = box.clipped(photo.width, photo.height)
    rows = slice(math.floor(inside.y0), math.ceil(inside.y1))
    columns = slice(math.floor(inside.x0), math.ceil(inside.x1))
    pixels = photo.pixels[rows, columns]
    if not pixels.size:
        raise ToolError("The face lies outside of the photo")
    return (rows, columns), _bgr(pixels)


def _bgr(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _their_face(face: Face) -> Any:
    box = np.array([face.box.x0, face.box.y0, face.box.x1, face.box.y1])
    points = np.array(face.landmarks).reshape(-1, 2)
    return _imported("uniface.types").Face(bbox=box, confidence=face.score, landmarks=points)


def main(arguments: Sequence[str]) -> int:
    """List the networks, or fetch those that are named."""
    try:
        for name in arguments:
            sys.stdout.write(f"{name} is at {fetch(name)}\n")
        for name in () if arguments else NETWORKS:
            here = "here" if found(name) else "not here"
            sys.stdout.write(f"{name} · {here} · {row(name).licence} · {row(name).source}\n")
    except FaceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
