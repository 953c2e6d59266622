"""anonymize_faces: a copy in which faces are hidden, and a check whether they can still be recognised.

A hidden face keeps nothing but the mean colours of a few cells, or nothing at all. The copy is then searched for the
face again and compared with the original; where it is still alike, fewer cells are kept and the check is repeated.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Literal, Protocol

import numpy as np
from pydantic import Field, JsonValue

from faceagent.media import Photo, Pixels
from faceagent.session import Output, Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, Method, Threshold
from faceagent_tools import similarity
from faceagent_tools.anonymize_words import word
from faceagent_tools.embedding import Embedder, Embedding, embedding_of, eye_distance
from faceagent_tools.hiding import HidingMethod, Region, hide, region_of

CELLS = (6, 5, 4, 3, 2)
"""Cells kept across a face, round by round: each round is stronger."""
_OVERLAP = 0.3
"""IoU from which a face found in the copy is the hidden one."""

METHOD = Method(
    name="faceagent anonymiser",
    version="1",
    licence="Apache-2.0",
    source="cell means (mosaic) or a plain mask over an ellipse from the hair line to the chin",
)
LIMITATIONS = (
    "Faces that the detector missed are not hidden.",
    "People can be recognised by clothes, hair, build, companions and place.",
    "The check uses this system's own recognition; a recogniser trained on hidden faces can see more, except under a "
    "mask (McPherson et al. 2016, arXiv:1609.00408).",
    "All records are left out of the copy, its colour profile too, so that colours can look slightly different.",
    "The copy's name is made from the photo's name, which may itself name a person.",
)


class Detector(Protocol):
    """What finds faces in the copy."""

    def detect(self, photo: Photo, image_id: str) -> Sequence[Face]: ...


class AnonymizeArguments(SubjectArguments):
    method: HidingMethod = Field(
        default="pixelate",
        description='"pixelate" (a coarse mosaic), "blur" (a mosaic, smoothed), or "mask" (a plain patch: the safest).',
    )
    format: Literal["png", "jpeg"] = Field(
        default="png", description='"png" keeps all other pixels as they are; "jpeg" makes a smaller file.'
    )


@dataclass(frozen=True)
class Check:
    """Whether a hidden face can still be recognised.

    alike: the larger similarity of the original to the place where the face was and to the face found there, if any.
    """

    alike: float
    found: bool


@dataclass
class Hidden:
    """One face on its way to being hidden. round counts from 0."""

    face: Face
    region: Region
    original: Embedding
    measurable: bool
    round: int = 0
    check: Check | None = None


class AnonymizeFaces(FaceTool[AnonymizeArguments]):
    """The tool.

    Args:
        detector, embedder: for the check of the copy.
        line: similarity from which on a hidden face counts as recognisable. By default that below which compare_faces
            says that two faces are not one person.
    """

    name = "anonymize_faces"
    description = (
        "Make a copy of a photo in which faces are hidden (pixelated, blurred or masked), without metadata, and check "
        "that they can no longer be recognised."
    )
    arguments = AnonymizeArguments
    needs_faces = True

    def __init__(self, detector: Detector, embedder: Embedder, line: float | None = None) -> None:
        self._detector, self._embedder, self._given_line = detector, embedder, line

    def run(self, session: Session, arguments: AnonymizeArguments) -> list[Evidence]:
        rows: list[Evidence] = []
        for image_id in session.images_in(arguments.subjects):
            faces = [face for face in session.faces_in(arguments.subjects) if face.image == image_id]
            rows += self._copy(session, image_id, faces, arguments) if faces else [self._no_face(image_id)]
        return rows

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return word(evidence, names)

    def backends(self) -> list[Backend]:
        return [Backend(self.name, METHOD, "method", here=True, chosen=True)]

    def _copy(
        self, session: Session, image_id: str, faces: Sequence[Face], arguments: AnonymizeArguments
    ) -> list[Evidence]:
        photo = session.photo(image_id)
        hidden = [self._hidden(session, photo, face) for face in faces]
        pixels = self._until_unrecognisable(photo, image_id, hidden, arguments.method)
        output = _encoded(pixels, _free_name(photo.name, arguments.format, session), arguments.format)
        left = [face for face in session.faces(image_id) if face not in faces]
        return [
            self._copy_row(image_id, session.add_output(output), output, hidden, left, arguments),
            *(self._check_row(item, arguments.method) for item in hidden),
            *(self._left_row(face) for face in left),
        ]

    def _hidden(self, session: Session, photo: Photo, face: Face) -> Hidden:
        original = embedding_of(session, self._embedder, face)
        measurable = eye_distance(photo, face) >= similarity.table().smallest_eye_distance
        return Hidden(face, region_of(face), original, measurable)

    def _until_unrecognisable(
        self, photo: Photo, image_id: str, hidden: Sequence[Hidden], method: HidingMethod
    ) -> Pixels:
        while True:
            pixels = photo.pixels
            for item in hidden:
                pixels = hide(pixels, item.region, method, CELLS[item.round])
            copy = Photo.open(pixels, name="copy")
            found = self._detector.detect(copy, image_id)
            for item in hidden:
                item.check = self._checked(copy, item, found)
            # A mask keeps nothing: it has no stronger form.
            again = [item for item in hidden if self._to_repeat(item) and method != "mask"]
            if not again:
                return pixels
            for item in again:
                item.round += 1

    def _to_repeat(self, item: Hidden) -> bool:
        alike = item.check is not None and item.check.alike >= self._line
        return item.measurable and alike and item.round + 1 < len(CELLS)

    @property
    def _line(self) -> float:
        return similarity.table().different_below if self._given_line is None else self._given_line

    def _checked(self, copy: Photo, item: Hidden, found: Sequence[Face]) -> Check:
        same = [face for face in found if face.box.iou(item.face.box) > _OVERLAP]
        alike = [similarity.similarity(item.original, self._embedder.embed(copy, face)) for face in (item.face, *same)]
        return Check(max(alike), bool(same))

    def _no_face(self, image_id: str) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=image_id,
            attribute="anonymised_copy",
            status="not_applicable",
            reason="no face was found in it, so there is nothing to hide and no copy was made",
            method=METHOD,
            limitations=LIMITATIONS[:1],
        )

    def _copy_row(
        self,
        image_id: str,
        output_id: str,
        output: Output,
        hidden: Sequence[Hidden],
        left: Sequence[Face],
        arguments: AnonymizeArguments,
    ) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=image_id,
            attribute="anonymised_copy",
            value=output_id,
            method=METHOD,
            limitations=LIMITATIONS,
            details={
                "file": output.name,
                "faces_hidden": [item.face.id for item in hidden],
                "faces_left": [face.id for face in left],
                "method": arguments.method,
                "format": arguments.format,
            },
        )

    def _left_row(self, face: Face) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="reidentification",
            status="not_applicable",
            reason="the face was left visible, as asked",
            method=METHOD,
            region=face.box,
        )

    def _check_row(self, item: Hidden, method: HidingMethod) -> Evidence:
        check = item.check
        details: dict[str, JsonValue] = {
            "method": method,
            "rounds": item.round + 1,
            "most_rounds": 1 if method == "mask" else len(CELLS),
            "found_in_copy": check.found if check else None,
        }
        if method != "mask":
            details["cells_across"] = CELLS[item.round]
        base = Evidence(
            tool=self.name,
            subject=item.face.id,
            attribute="reidentification",
            method=self._embedder.method,
            region=item.region.box,
            details=details,
            status="abstained",
            reason="the face is too small for the check to mean anything; it is hidden all the same",
        )
        if check is None or not item.measurable:
            return base
        return base.model_copy(
            update={
                "status": "ok",
                "reason": None,
                "value": "recognisable" if check.alike >= self._line else "not_recognisable",
                "score": check.alike,
                "threshold": self._threshold(),
            }
        )

    def _threshold(self) -> Threshold:
        source = "set by the caller"
        if self._given_line is None:
            table = similarity.table()
            source = f"{1 - table.miss_rate:.1%} of pairs of photos of one person are more alike; `{table.command}`"
        return Threshold(
            value=self._line, rule="<", meaning="too unlike the original to be recognised by this system", source=source
        )


def _encoded(pixels: Pixels, name: str, form: Literal["png", "jpeg"]) -> Output:
    """The file, with nothing in it but the pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if form == "jpeg":
        image.save(buffer, format="JPEG", quality=92)
    else:
        image.save(buffer, format="PNG")
    return Output(name, f"image/{form}", buffer.getvalue())


def copy_name(name: str, form: Literal["png", "jpeg"]) -> str:
    """A file name for the copy: of the original's last part only letters, digits, "_", "-" and "." stay."""
    # Windows rules take both kinds of slash, and drive letters, for separators.
    stem = PureWindowsPath(name).stem
    safe = re.sub(r"[^\w.-]+", "_", stem).strip("._-")[:80] or "photo"
    return f"{safe}-anonymised.{'jpg' if form == 'jpeg' else 'png'}"


def _free_name(name: str, form: Literal["png", "jpeg"], session: Session) -> str:
    """The same, with a number where the session has made a file of that name before."""
    taken = {output.name for output in session.outputs.values()}
    wanted = copy_name(name, form)
    stem, _, ending = wanted.rpartition(".")
    free, number = wanted, 2
    while free in taken:
        free, number = f"{stem}-{number}.{ending}", number + 1
    return free
