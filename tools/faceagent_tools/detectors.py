"""The detectors that find faces for `detect_faces`: the one list, with what each is known to miss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from faceagent.tool import DETECTOR, Backend
from faceagent.types import Method
from faceagent_tools import own_detector, uniface_backends, weights
from faceagent_tools.backends import backend as of_file

YUNET = "yunet_n_dynamic"
HOG = Method(
    name="dlib-hog",
    version="20",
    licence="BSL-1.0",
    source="dlib frontal face detector (King 2009, JMLR 10): histograms of oriented gradients, max-margin training",
)


@dataclass(frozen=True)
class Detector:
    """One of them. Neither function reads a model.

    limits: what evidence says of it.
    """

    method: Callable[[], Method]
    backend: Callable[[bool], Backend]
    """Of whether it is the chosen one."""
    limits: tuple[str, ...]


def _file(model: str, *limits: str) -> Detector:
    """A file of `weights`."""
    return Detector(
        lambda: weights.method(model), lambda chosen: of_file(model, DETECTOR, chosen=chosen), limits=limits
    )


def _uniface(model: str) -> Detector:
    """One of `uniface_backends.DETECTORS`."""
    return Detector(
        lambda: uniface_backends.method(model),
        lambda chosen: uniface_backends.backend(model, DETECTOR, chosen=chosen),
        limits=(
            "How many faces it finds has not been measured here; its line is that of its publication. It looks at a "
            "copy of 640 pixels, in which the small faces of a large photo can be lost, and at turned copies only "
            "where it finds no face.",
            "The lines of the tools that use the faces were set on those that YuNet, dlib and faceagent-detector find.",
        ),
    )


DETECTORS: Mapping[str, Detector] = MappingProxyType(
    {
        "dlib": Detector(
            lambda: HOG,
            lambda chosen: Backend(DETECTOR, HOG, "embedded", here=True, chosen=chosen),
            limits=(
                "Finds faces that look roughly towards the camera and are at least about 40 px wide (of 1,024); small, "
                "turned or covered ones are often missed. Of 373 faces that YuNet finds in 305 photos it finds 85 % "
                "(python -m faceagent_eval run detection).",
            ),
        ),
        "faceagent": _file(
            own_detector.NAME,
            "Of 373 faces that YuNet finds in 305 photos it finds 94 %, and 4 others that are none "
            "(python -m faceagent_eval run detection). Small, blurred, turned or covered faces are missed most.",
        ),
        "yunet": _file(YUNET, "Very small, strongly blurred or covered faces can be missed."),
        "scrfd": _uniface("uniface-scrfd"),
        "retinaface": _uniface("uniface-retinaface"),
    }
)
"""By the name that a user chooses."""
CHOICES = ("auto", *DETECTORS)


def best() -> str:
    """What "auto" takes: YuNet when its file is here, else our own, else dlib."""
    return "yunet" if weights.find(YUNET) else "faceagent" if weights.find(own_detector.NAME) else "dlib"
