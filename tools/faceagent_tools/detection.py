"""detect_faces: where the faces are, how large, and how sure the detector is.

Two backends behind one interface: dlib's HOG detector, which comes with the light core, and YuNet, which is preferred
whenever its file is here because it finds small, turned and covered faces that HOG misses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent.geometry import Affine, Point
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, ImageArguments, Names
from faceagent.types import Box, Claim, Evidence, Face, Method
from faceagent_tools import align, weights
from faceagent_tools.yunet import YuNet

BackendName = Literal["auto", "dlib", "yunet"]
YUNET = "yunet_n_dynamic"
HOG = Method(
    name="dlib-hog",
    version="20",
    licence="BSL-1.0",
    source="dlib frontal face detector (King 2009, JMLR 10): histograms of oriented gradients, max-margin training",
)

# Longest sides searched, each upsampled once, so that faces from about 40 px there are found. The second look costs
# three times the first, and is taken only where the first finds nothing or a face so small that others may be smaller.
_HOG_SIDES = (640, 1024)
_HOG_SMALL = 80.0  # px at the first side
# At a margin of 0 the detector invents a face here and there; 0.2 ends that for about 2 of 100 true ones
# (`python -m faceagent_eval run detection`).
# Weaker ones down to 0 count only in a photo that shows nothing better, and are said to be weak.
_HOG_MARGIN = 0.2
_HOG_TURNS = (90.0, -90.0, 180.0, 45.0, -45.0)
_YUNET_SIDE = 640
# Larger photos are searched a second time at this side: of 200 faces shown 20 px wide YuNet finds 98 %, of the same
# shown 12 px wide 80 % (`python -m faceagent_finetune.nets.yunet_reach`).
_YUNET_FINE_SIDE = 1600
_YUNET_TURNS = (90.0, -90.0, 180.0)
# Upside down or lying, YuNet still finds a face, with a lower score and its points in the wrong places; upright it
# scores more. Below this score quarter turns are tried as well.
_YUNET_SURE = 0.88
_OVERLAP = 0.3  # IoU above which two boxes are one face
_INSIDE = 0.7  # share of the smaller box that lies in the larger above which they are one face
SMALL_FACE_PX = 24
"""Below this width little can be measured (docs: assess_quality)."""


@dataclass(frozen=True)
class Raw:
    """A detection before it has an id: square or box in upright pixels, landmarks, roll in degrees."""

    box: Box
    score: float
    landmarks: tuple[Point, ...]
    scheme: Literal["none", "eyes-nosebase", "eyes-nosetip-mouth"]
    roll: float


class FaceDetector:
    """Finds faces. Models load on first use.

    Args:
        backend: "auto" takes YuNet when its file is here, else dlib.
        margin: score below which dlib's detections count only where there is none above.
        floor: score below which they do not count at all. Lower it where a face is known to be there.

    Raises:
        UsageError: no such backend.
    """

    def __init__(
        self, backend: BackendName | str | None = "auto", *, margin: float = _HOG_MARGIN, floor: float = 0.0
    ) -> None:
        if backend not in (None, "auto", "dlib", "yunet"):
            raise UsageError(f"There is no detector {backend!r}", "Use auto, dlib or yunet")
        self._wanted = backend or "auto"
        self._margin = margin
        self._floor = floor

    @cached_property
    def backend(self) -> Literal["dlib", "yunet"]:
        """The backend in use."""
        if self._wanted == "auto":
            return "yunet" if weights.find(YUNET) else "dlib"
        return "yunet" if self._wanted == "yunet" else "dlib"

    @property
    def method(self) -> Method:
        return weights.method(YUNET) if self.backend == "yunet" else HOG

    def detect(self, photo: Photo, image_id: str) -> tuple[Face, ...]:
        """Faces from left to right, ids "face <image>.<k>"; strongest of overlapping ones only.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        found = self._with_yunet(photo) if self.backend == "yunet" else self._with_hog(photo)
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
    def _yunet(self) -> YuNet:
        return YuNet(weights.path(YUNET))

    def _with_yunet(self, photo: Photo) -> list[Raw]:
        longest = max(photo.width, photo.height)
        sides = (_YUNET_SIDE, _YUNET_FINE_SIDE) if longest > _YUNET_SIDE else (_YUNET_SIDE,)
        found = [raw for side in sides for raw in self._search(photo, side, 0.0, self._yunet_pass)]
        if _best(found) >= _YUNET_SURE:
            return found
        return max(found, self._turned(photo, _YUNET_SIDE, _YUNET_TURNS, self._yunet_pass), key=_in_all)

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
        return [raw for raw in found if raw.score >= self._margin]

    def _turned(self, photo: Photo, side: int, turns: Sequence[float], search: _Pass) -> list[Raw]:
        """The rotated copy in which a face is seen most clearly."""
        return max((self._search(photo, side, degrees, search) for degrees in turns), key=_in_all)

    def _search(self, photo: Photo, side: int, degrees: float, search: _Pass) -> list[Raw]:
        view, to_view = turned_view(photo.pixels, side, degrees)
        back = to_view.inverse()
        return [_mapped(raw, back, -degrees) for raw in search(view)]

    def _hog_pass(self, view: Pixels) -> list[Raw]:
        boxes, scores, _ = self._hog.run(np.ascontiguousarray(view), 1, self._floor)
        return [
            Raw(
                Box(x0=box.left(), y0=box.top(), x1=box.right() + 1, y1=box.bottom() + 1), float(score), (), "none", 0.0
            )
            for box, score in zip(boxes, scores, strict=True)
        ]

    def _yunet_pass(self, view: Pixels) -> list[Raw]:
        found = self._yunet.detect(view)
        raws = []
        for box, score, points in zip(found.boxes, found.scores, found.points, strict=True):
            x0, y0, x1, y1 = (float(value) for value in box)
            marks = tuple((float(x), float(y)) for x, y in points)
            box_ = Box(x0=x0, y0=y0, x1=x1, y1=y1)
            raws.append(Raw(box_, float(score), marks, "eyes-nosetip-mouth", _lean(marks[0], marks[1])))
        return raws


_Pass = Callable[[Pixels], list[Raw]]


def turned_view(pixels: Pixels, side: int, degrees: float) -> tuple[Pixels, Affine]:
    """A photo scaled down to a longest side and rotated on a canvas that holds all of it, and the map to it."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(width, height))
    small_width, small_height = max(round(width * scale), 1), max(round(height * scale), 1)
    view: npt.NDArray[Any] = pixels
    if (small_width, small_height) != (width, height):
        view = cv2.resize(pixels, (small_width, small_height), interpolation=cv2.INTER_AREA)
    to_view = Affine.scaling(small_width / width, small_height / height)
    if degrees:
        cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
        canvas = (round(small_width * cos + small_height * sin), round(small_width * sin + small_height * cos))
        turn = (
            Affine.translation(-small_width / 2, -small_height / 2)
            .then(Affine.rotation(degrees))
            .then(Affine.translation(canvas[0] / 2, canvas[1] / 2))
        )
        matrix = Affine.translation(0.5, 0.5).then(turn).then(Affine.translation(-0.5, -0.5))
        view = cv2.warpAffine(view, np.array(matrix.rows()), canvas)
        to_view = to_view.then(turn)
    return np.asarray(view, dtype=np.uint8), to_view


def _mapped(raw: Raw, back: Affine, degrees: float) -> Raw:
    """A detection in a view, in upright pixels: the box keeps its size and does not grow with the rotation."""
    scale = math.sqrt(abs(back.a * back.e - back.b * back.d))
    x, y = back.point(raw.box.centre)
    half_width, half_height = raw.box.width * scale / 2, raw.box.height * scale / 2
    box = Box(x0=x - half_width, y0=y - half_height, x1=x + half_width, y1=y + half_height)
    roll = (raw.roll + degrees + 180.0) % 360.0 - 180.0
    return Raw(box, raw.score, back.points(raw.landmarks), raw.scheme, roll)


def _best(found: Sequence[Raw]) -> float:
    return max((raw.score for raw in found), default=-math.inf)


def _in_all(found: Sequence[Raw]) -> float:
    """How much a view shows: by the sum, a sharp face in one view does not outweigh a whole group in another."""
    return sum(raw.score for raw in one_per_face(found))


def _lean(first_eye: Point, second_eye: Point) -> float:
    """Roll in degrees from the two eyes; positive when the head leans clockwise as seen."""
    return math.degrees(math.atan2(second_eye[1] - first_eye[1], second_eye[0] - first_eye[0]))


def _with_eyes(photo: Photo, raw: Raw) -> Raw:
    """HOG gives a square only: the alignment's points say where the eyes are and how the head leans."""
    face = Face(id="face 0.0", image="image 0", box=raw.box, score=raw.score, roll=raw.roll)
    outer_left, inner_left, outer_right, inner_right, nose = align.points5(photo, face)
    first, second = (outer_right + inner_right) / 2, (outer_left + inner_left) / 2
    marks = tuple((float(x), float(y)) for x, y in (first, second, nose))
    return Raw(raw.box, raw.score, marks, "eyes-nosebase", _lean(marks[0], marks[1]))


def one_per_face(found: Sequence[Raw]) -> list[Raw]:
    """The strongest of detections that overlap or lie inside one another."""
    kept: list[Raw] = []
    for raw in sorted(found, key=lambda item: item.score, reverse=True):
        if not any(_same(raw.box, other.box) for other in kept):
            kept.append(raw)
    return kept


def _same(left: Box, right: Box) -> bool:
    smaller = min(left.area, right.area)
    return left.iou(right) > _OVERLAP or (smaller > 0 and left.intersection(right) / smaller > _INSIDE)


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
        method, limits = self._detector.method, LIMITS[self._detector.backend]
        widths = sorted(round(face.box.width) for face in faces)
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
            value={"width": round(face.box.width), "height": round(face.box.height)},
            unit="px",
            score=face.score,
            region=face.box,
            method=method,
            details={
                "roll_degrees": round(face.roll, 1),
                "landmark_scheme": face.landmark_scheme,
                "weak": method == HOG and face.score < _HOG_MARGIN,
            },
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        claims: list[Claim] = []
        counts = [row for row in evidence if row.attribute == "face_count" and row.status == "ok"]
        for row in counts:
            claims.append(_count_claim(row, names))
            claims += _small_claim(row, names)
        claims += [
            _claim(row, f"{names.start(row.subject)} was found only weakly and may not be a face.", "doubt")
            for row in evidence
            if row.details.get("weak")
        ]
        claims += _miss_claim(counts)
        return claims

    def backends(self) -> list[Backend]:
        here = weights.find(YUNET) is not None
        row = weights.row(YUNET)
        return [
            Backend(self.name, HOG, "embedded", here=True, chosen=self._detector.backend == "dlib"),
            Backend(
                self.name,
                weights.method(YUNET),
                "published",
                here=here,
                chosen=self._detector.backend == "yunet",
                size=row.size,
                how=None if here else weights.command(YUNET),
                fetch=partial(weights.fetch, YUNET),
            ),
        ]


LIMITS: dict[str, tuple[str, ...]] = {
    "dlib": (
        "Finds faces that look roughly towards the camera and are at least about 40 px wide (of 1,024); small, "
        "turned or covered ones are often missed. Of 373 faces that YuNet finds in 305 photos it finds 85 % "
        "(python -m faceagent_eval run detection).",
    ),
    "yunet": ("Very small, strongly blurred or covered faces can be missed.",),
}


def _count_claim(row: Evidence, names: Names) -> Claim:
    count = row.value if isinstance(row.value, int) else 0
    where = names.of(row.subject)
    sentence = {
        0: f"No face was found in {where}.",
        1: f"There is one face in {where}.",
    }.get(count, f"There are {_spelled(count)} faces in {where}, counted from left to right.")
    return _claim(row, sentence, "answer")


def _small_claim(row: Evidence, names: Names) -> list[Claim]:
    small = row.details["small_faces"]
    if not isinstance(small, int) or not small:
        return []
    who = "One of them is" if small == 1 else f"{_spelled(small).capitalize()} of them are"
    if row.value == 1:
        who = "It is"
    return [_claim(row, f"{who} less than {SMALL_FACE_PX} pixels wide, too small to measure much.", "doubt")]


def _miss_claim(counts: Sequence[Evidence]) -> list[Claim]:
    """One doubt for all photos, when the detector is the one that misses faces."""
    weak = [row for row in counts if row.method == HOG]
    if not weak:
        return []
    lead = weak[0]
    sentence = "The detector in use can miss faces that are small, turned away or covered."
    return [_claim(lead, sentence, "doubt")]


def _claim(row: Evidence, sentence: str, role: Literal["answer", "reason", "doubt"]) -> Claim:
    return Claim(
        sentence=sentence,
        subject=row.subject,
        attribute=row.attribute,
        value=row.value,
        evidence=(row.id,),
        role=role,
    )


def _spelled(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[number] if number < len(words) else str(number)
