"""detect_faces: where the faces are, how large, and how sure the detector is.

Several detectors behind one interface (`detectors`): our own network and dlib's HOG detector, which come with the light
core; YuNet, which taught our own and is preferred whenever its file is here; and SCRFD and RetinaFace of uniface, which
run only where they are asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from faceagent.errors import UsageError
from faceagent.geometry import whole_pixels
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, ImageArguments, Names
from faceagent.types import Box, Claim, Evidence, Face, Method
from faceagent_tools import align, detection_words, own_detector, uniface_backends, weights
from faceagent_tools.detection_views import (
    Network,
    Raw,
    Search,
    best,
    in_all,
    lean,
    network_pass,
    one_per_face,
    searched,
)
from faceagent_tools.detectors import CHOICES, DETECTORS, YUNET
from faceagent_tools.detectors import best as best_here
from faceagent_tools.multitask import FaceReader
from faceagent_tools.uniface_backends import UnifaceDetector
from faceagent_tools.yunet import YuNet

# Longest sides searched, each upsampled once, so that faces from about 40 px there are found. The second look costs
# three times the first, and is taken only where the first finds nothing or a face so small that others may be smaller.
_HOG_SIDES = (640, 1024)
_HOG_SMALL = 80.0  # px at the first side
# At a margin of 0 the detector invents a face here and there; 0.2 ends that for about 2 of 100 true ones
# (`python -m faceagent_eval run detection`).
# Weaker ones down to 0 count only in a photo that shows nothing better, and are said to be weak.
_HOG_MARGIN = 0.2
_HOG_TURNS = (90.0, -90.0, 180.0, 45.0, -45.0)
_YUNET_SCORE = 0.6  # as in OpenCV's FaceDetectorYN example
_YUNET_SIDE = 640
# Larger photos are searched a second time at this side: of 200 faces shown 20 px wide YuNet finds 98 %, of the same
# shown 12 px wide 80 % (`python -m faceagent_finetune.nets.yunet_reach`).
_YUNET_FINE_SIDE = 1600
_YUNET_TURNS = (90.0, -90.0, 180.0)
# Upside down or lying, YuNet still finds a face, with a lower score and its points in the wrong places; upright it
# scores more. Below this score quarter turns are tried as well.
_YUNET_SURE = 0.88
# Probability of a face (`Reading.face`) below which an unsure find of our own detector is dropped. Chosen on the 305
# photos of `python -m faceagent_eval run detection`, where it drops one of five inventions, and on the example
# portrait, where it drops a mission patch.
_NO_FACE = 0.1
_OWN_TURNS = (90.0, -90.0, 180.0, 45.0, -45.0)
_UNIFACE_SIDE = 640  # to which uniface scales what it is given
SMALL_FACE_PX = 24
"""Below this width little can be measured (docs: assess_quality)."""


class FaceDetector:
    """Finds faces. Models load on first use; safe to use from several threads.

    Args:
        backend: one of `detectors.CHOICES`. "auto" takes YuNet when its file is here, else our own network, else dlib.
        margin: score below which detections count only where there is none above. Each backend has its own.
        floor: score below which they do not count at all. Lower it where a face is known to be there.
        reader: looks at what our own network is not sure of.

    Raises:
        UsageError: no such backend.
    """

    def __init__(
        self,
        backend: str | None = "auto",
        *,
        margin: float | None = None,
        floor: float | None = None,
        reader: FaceReader | None = None,
    ) -> None:
        if backend not in (None, *CHOICES):
            raise UsageError(f"There is no detector {backend!r}", f"Use one of {', '.join(CHOICES)}")
        self._wanted = backend or "auto"
        self._margin, self._floor = margin, floor
        self._reader = reader or FaceReader()
        self._hog_lock = threading.Lock()

    @cached_property
    def backend(self) -> str:
        """The backend in use, one of `detectors.DETECTORS`."""
        return best_here() if self._wanted == "auto" else self._wanted

    @property
    def method(self) -> Method:
        return DETECTORS[self.backend].method()

    @property
    def margin(self) -> float:
        """Score below which a detection is weak."""
        return self._line("score", _HOG_MARGIN) if self._margin is None else self._margin

    @property
    def floor(self) -> float:
        """Score below which it is none."""
        return self._line("weak_score", 0.0) if self._floor is None else self._floor

    def _line(self, of_own: str, of_dlib: float) -> float:
        match self.backend:
            case "faceagent":
                return own_detector.thresholds()[of_own]
            case "dlib":
                return of_dlib
            case "yunet":
                return _YUNET_SCORE
            case _:
                return uniface_backends.SCORE

    def detect(self, photo: Photo, image_id: str) -> tuple[Face, ...]:
        """Faces from left to right, ids "face <image>.<k>"; strongest of overlapping ones only.

        Raises:
            WeightsError: a model file is missing or damaged.
            MissingExtra: uniface is not installed.
        """
        own_ways = {"yunet": self._with_yunet, "faceagent": self._with_own, "dlib": self._with_hog}
        found = own_ways.get(self.backend, self._with_uniface)(photo)
        ordered = sorted(one_per_face(found), key=lambda raw: raw.box.centre)
        number = image_id.removeprefix("image ")
        return tuple(
            Face(
                id=f"face {number}.{place}",
                image=image_id,
                box=raw.box,
                score=raw.score,
                landmarks=raw.landmarks,
                landmark_scheme=raw.scheme,
                roll=raw.roll,
            )
            for place, raw in enumerate(ordered, start=1)
        )

    @cached_property
    def _hog(self) -> Any:
        import dlib

        return dlib.get_frontal_face_detector()

    @cached_property
    def _network(self) -> Network:
        match self.backend:
            case "faceagent":
                return YuNet(weights.path(own_detector.NAME), score=own_detector.FIRST_SCORE)
            case "yunet":
                return YuNet(weights.path(YUNET), score=self.floor)
            case _:
                return UnifaceDetector(self.method.name, score=self.floor)

    def _with_yunet(self, photo: Photo) -> list[Raw]:
        longest = max(photo.width, photo.height)
        sides = (_YUNET_SIDE, _YUNET_FINE_SIDE) if longest > _YUNET_SIDE else (_YUNET_SIDE,)
        found = [raw for side in sides for raw in self._search(photo, side, 0.0, self._network_pass)]
        if best(found) >= _YUNET_SURE:
            return found
        return max(found, self._turned(photo, _YUNET_SIDE, _YUNET_TURNS, self._network_pass), key=in_all)

    def _with_uniface(self, photo: Photo) -> list[Raw]:
        upright = self._search(photo, _UNIFACE_SIDE, 0.0, self._network_pass)
        return upright or self._turned(photo, _UNIFACE_SIDE, _YUNET_TURNS, self._network_pass)

    def _with_own(self, photo: Photo) -> list[Raw]:
        found = own_detector.looks(self._network, photo.pixels, (self.margin, self.floor))
        if best(found) < own_detector.thresholds()["sure_score"]:
            search = partial(own_detector.looks, self._network, wanted=(self.margin,))
            turned = [self._search(photo, own_detector.USUAL_SIDE, degrees, search) for degrees in _OWN_TURNS]
            found = max(found, *turned, key=lambda view: in_all(self._clear(view)))
        kept = self._clear(found) or [raw for raw in found if raw.score >= self.floor]
        return [raw for raw in kept if raw.score >= own_detector.thresholds()["sure_score"] or self._read(photo, raw)]

    def _read(self, photo: Photo, raw: Raw) -> bool:
        """Whether the network that reads faces sees anything of one where the detector is not sure."""
        face = Face(
            id="face 0.0",
            image="image 0",
            box=raw.box,
            score=raw.score,
            landmarks=raw.landmarks,
            landmark_scheme=raw.scheme,
            roll=raw.roll,
        )
        return self._reader.read_photo(photo, face).face >= _NO_FACE

    def _with_hog(self, photo: Photo) -> list[Raw]:
        first, second = _HOG_SIDES
        seen = self._search(photo, first, 0.0, self._hog_pass)
        longest = max(photo.width, photo.height)
        smallest = min((raw.box.width * min(1.0, first / longest) for raw in self._clear(seen)), default=0.0)
        if longest > first and smallest < _HOG_SMALL:
            seen += self._search(photo, second, 0.0, self._hog_pass)
        found = self._clear(seen) or self._clear(self._turned(photo, first, _HOG_TURNS, self._hog_pass)) or seen
        return [_with_eyes(photo, raw) for raw in found]

    def _clear(self, found: Sequence[Raw]) -> list[Raw]:
        return [raw for raw in found if raw.score >= self.margin]

    def _turned(self, photo: Photo, side: int, turns: Sequence[float], search: Search) -> list[Raw]:
        """The rotated copy in which a face is seen most clearly."""
        return max((self._search(photo, side, degrees, search) for degrees in turns), key=in_all)

    def _search(self, photo: Photo, side: int, degrees: float, search: Search) -> list[Raw]:
        return searched(photo.pixels, side, degrees, search)

    def _hog_pass(self, view: Pixels) -> list[Raw]:
        with self._hog_lock:  # dlib scans in memory of the detector's own: two threads at once corrupt it
            boxes, scores, _ = self._hog.run(np.ascontiguousarray(view), 1, self.floor)
        return [
            Raw(
                Box(x0=box.left(), y0=box.top(), x1=box.right() + 1, y1=box.bottom() + 1), float(score), (), "none", 0.0
            )
            for box, score in zip(boxes, scores, strict=True)
        ]

    def _network_pass(self, view: Pixels) -> list[Raw]:
        return network_pass(self._network, view)


def _with_eyes(photo: Photo, raw: Raw) -> Raw:
    """HOG gives a square only: the alignment's points say where the eyes are and how the head leans."""
    face = Face(id="face 0.0", image="image 0", box=raw.box, score=raw.score, roll=raw.roll)
    outer_left, inner_left, outer_right, inner_right, nose = align.points5(photo, face)
    first, second = (outer_right + inner_right) / 2, (outer_left + inner_left) / 2
    marks = tuple((float(x), float(y)) for x, y in (first, second, nose))
    return Raw(raw.box, raw.score, marks, "eyes-nosebase", lean(marks[0], marks[1]))


class DetectFaces(FaceTool[ImageArguments]):
    """The tool. It gives the session its faces."""

    name = "detect_faces"
    description = (
        "Find the faces in photos: how many, where, how large, how sure. Gives each face its id, from left to right "
        '("face 1.1" is the leftmost in image 1). Other tools look for faces by themselves when they need them.'
    )
    arguments = ImageArguments

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector

    def run(self, session: Session, arguments: ImageArguments) -> list[Evidence]:
        rows: list[Evidence] = []
        for image_id in session.images_in(arguments.images):
            if not session.detected(image_id):
                session.set_faces(image_id, self._detector.detect(session.photo(image_id), image_id))
            rows += self._evidence(session, image_id)
        return rows

    def _evidence(self, session: Session, image_id: str) -> list[Evidence]:
        faces = session.faces(image_id)
        method, limits = self._detector.method, DETECTORS[self._detector.backend].limits
        widths = sorted(whole_pixels(face.box.width) for face in faces)
        count = Evidence(
            tool=self.name,
            subject=image_id,
            attribute="face_count",
            value=len(faces),
            unit="faces",
            method=method,
            limitations=limits,
            details={
                "small_faces": sum(width < SMALL_FACE_PX for width in widths),
                "small_below_px": SMALL_FACE_PX,
                "widths_px": [*widths],
            },
        )
        return [count, *(self._face(face, method) for face in faces)]

    def _face(self, face: Face, method: Method) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="face",
            value={"width": whole_pixels(face.box.width), "height": whole_pixels(face.box.height)},
            unit="px",
            score=face.score,
            region=face.box,
            method=method,
            details={
                "roll_degrees": round(face.roll, 1),
                "landmark_scheme": face.landmark_scheme,
                "weak": face.score < self._detector.margin,
            },
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return detection_words.word(evidence, names)

    def backends(self) -> list[Backend]:
        return [row.backend(name == self._detector.backend) for name, row in DETECTORS.items()]
