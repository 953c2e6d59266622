"""verify_protected_identity: is a photo that is said to show a protected person an authentic one of that person?

The face is held against the authentic photos enrolled, as a whole and region by region, and the pixels are examined.
`likelihood` weighs both: an authentic photo, somebody else, a face swap towards the person, or a synthesised picture.
Where likeness alone speaks against an authentic photo, it stays open whether somebody looks alike or imitates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from pydantic import Field, JsonValue

from faceagent.gallery import Gallery, Template
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, Method, Probability
from faceagent_tools import align, compare, forgery, readable, similarity, weights
from faceagent_tools.backends import backend
from faceagent_tools.embedding import Embedder, embedding_of
from faceagent_tools.forensics import ensemble
from faceagent_tools.forensics.ensemble import Examiner, Stack
from faceagent_tools.identity import likelihood, regions
from faceagent_tools.identity.identify import quotable
from faceagent_tools.identity.likelihood import Portrayed, Protected
from faceagent_tools.identity.templates import POINTS, model_of
from faceagent_tools.identity.verify_words import word
from faceagent_tools.multitask import FaceReader, Reading
from faceagent_tools.similarity import unit
from faceagent_tools.trunk import CHIP_PADDING, CHIP_SIZE, Trunk

NOBODY = "nobody is enrolled as a protected person"
NOT_THIS_ONE = "nobody of that name is enrolled as a protected person"
FISWG = "regions after FISWG, Facial Image Comparison Feature List for Morphological Analysis"
MOST_PHOTOS = 12
"""Authentic photos of a person that are compared; of more, the first."""
LIMITATIONS = (
    "A forgery made by a method that was not tested may pass, the more so the more alike it is.",
    "Twins and look-alikes can be taken for the person; light, age and make-up can make the person look like somebody "
    "else.",
    "Synthesised photos of known people were not among those that the comparison was fitted on.",
)


class VerifyArguments(SubjectArguments):
    name: str = Field(
        default="",
        description="The protected person whom the photo is said to show. Empty: the one that it is most alike to.",
    )


@dataclass(frozen=True, eq=False)
class Protege:
    """A protected person. photos: those enrolled, as they are compared."""

    name: str
    photos: tuple[Portrayed, ...]


class VerifyProtectedIdentity(FaceTool[VerifyArguments]):
    """The tool.

    Args:
        embedder: the recognition network. reader: the network that reads faces. trunk: what both look through.
        examiner: the parts that look for forgeries.
    """

    name = "verify_protected_identity"
    description = (
        "Decide whether a photo that is said to show a protected person of the gallery is an authentic photo of that "
        "person, somebody else, a face swap, or synthesised; region by region."
    )
    arguments = VerifyArguments
    needs_faces = True

    def __init__(self, embedder: Embedder, reader: FaceReader, trunk: Trunk, examiner: Examiner | None = None) -> None:
        self._embedder, self._reader, self._trunk = embedder, reader, trunk
        self._examiner = examiner or Examiner()

    def run(self, session: Session, arguments: VerifyArguments) -> list[Evidence]:
        people = self._protected(session, arguments.name)
        reason = NOT_THIS_ONE if arguments.name.strip() else NOBODY
        rows: list[Evidence] = []
        for face in session.faces_in(arguments.subjects):
            base = Evidence(
                tool=self.name,
                subject=face.id,
                attribute="protected_identity",
                status="not_applicable",
                reason=reason,
                method=self._method,
                limitations=LIMITATIONS,
            )
            rows += self._face(session, face, people, base) if people else [base]
        return rows

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return word(evidence, names)

    def backends(self) -> list[Backend]:
        return [backend(self._embedder.weights, self.name, chosen=True)]

    @property
    def _method(self) -> Method:
        row = weights.method(self._embedder.weights)
        return row.model_copy(update={"name": f"{row.name} + {forgery.method(ensemble.stack()).name}", "source": FISWG})

    def _protected(self, session: Session, name: str) -> list[Protege]:
        """Protected people whom a photo may be said to show: the one named, or all."""
        gallery = session.gallery
        if gallery is None:
            return []
        wanted = [gallery.person(name)] if name.strip() else gallery.people()
        model, found = model_of(self._embedder), list[Protege]()
        for person in wanted:
            if person is not None and person.protected:
                key = ("protected", model, person.id, person.templates.get(model, 0))
                found.append(session.memo(key, partial(self._portrayed, gallery, person.name)))
        return [person for person in found if person.photos]

    def _portrayed(self, gallery: Gallery, name: str) -> Protege:
        model = model_of(self._embedder)
        rows = [row for row in gallery.templates(name) if row.model == model][:MOST_PHOTOS]
        return Protege(name, tuple(self._of_template(row) for row in rows))

    def _of_template(self, row: Template) -> Portrayed:
        points = row.quality.get(POINTS)
        parts: Mapping[str, similarity.Floats | None] = dict.fromkeys(regions.PARTS)
        chip = cv2.imdecode(np.frombuffer(row.crop, np.uint8), cv2.IMREAD_COLOR_RGB)
        if isinstance(points, list) and chip is not None and chip.shape == (CHIP_SIZE, CHIP_SIZE, 3):
            placed = np.array(points, np.float64).reshape(-1, 2)
            parts = regions.described(self._trunk.both_ways(np.asarray(chip, np.uint8)), placed)
        return Portrayed(np.asarray(unit(row.vector.astype(np.float64)), np.float32), parts)

    def _face(self, session: Session, face: Face, people: Sequence[Protege], base: Evidence) -> list[Evidence]:
        reading = readable.read(self._reader, session, face)
        reason = compare.unfit({face.id: compare.view(session, face)}, similarity.table())
        if isinstance(reading, str) or reason:
            why = reading if isinstance(reading, str) else reason
            return [base.model_copy(update={"status": "abstained", "reason": why, "region": face.box})]
        suspect = self._suspect(session, face, reading)
        table, usual = likelihood.table(), likelihood.usual()
        person = max(
            people, key=lambda one: float(np.mean([suspect.embedding @ photo.embedding for photo in one.photos]))
        )
        found = likelihood.by_region(suspect, person.photos, usual)
        own = likelihood.own_likeness(person.photos, table.own, table.own_pairs)
        pixels, not_judged = self._pixels(session, face, reading)
        chances = table.probabilities(likelihood.features(found, own), pixels)
        leaning = None if pixels is None else _leaning(pixels, ensemble.stack())
        value = likelihood.finding(chances, witness=leaning == "for")
        details: dict[str, JsonValue] = {
            "name": quotable(person.name),
            "photos": len(person.photos),
            "likeness": round(found[regions.OVERALL], 4),
            "likeness_among_authentic": round(own, 4),
            "probabilities": {kind: round(chance, 4) for kind, chance in chances.items()},
            "pixels": leaning,
            "pixels_not_judged": not_judged,
        }
        answer = base.model_copy(
            update={
                "status": "ok",
                "reason": None,
                "value": value,
                "score": found[regions.OVERALL],
                "probability": _probability(value, chances, table),
                "region": face.box,
                "details": {key: value for key, value in details.items() if value is not None},
            }
        )
        return [answer, *self._regions(face, found, person, table)]

    def _suspect(self, session: Session, face: Face, reading: Reading) -> Portrayed:
        photo = session.photo(face.image)
        chip = align.face_chip(photo, face, CHIP_SIZE, CHIP_PADDING)
        parts = regions.described(self._trunk.both_ways(chip), regions.in_crop(photo, face, reading.points))
        return Portrayed(embedding_of(session, self._embedder, face), parts)

    def _pixels(self, session: Session, face: Face, reading: Reading) -> tuple[float | None, str | None]:
        """Log odds of a forgery, or why the pixels are not judged."""
        table = ensemble.stack()
        if reason := forgery.too_small(face, table):
            return None, reason
        examined = self._examiner.examine(session.photo(face.image), face, reading.points)
        reason = forgery.unlike(examined, table)
        return (None, reason) if reason else (examined.log_odds, None)

    def _regions(self, face: Face, found: Mapping[str, float], person: Protege, table: Protected) -> list[Evidence]:
        return [self._region(face, name, found.get(name), person, table) for name in regions.REGIONS]

    def _region(self, face: Face, name: str, score: float | None, person: Protege, table: Protected) -> Evidence:
        line = table.lines[name]
        base = Evidence(
            tool=self.name,
            subject=face.id,
            attribute=f"{name}_comparison",
            status="not_applicable",
            reason="too little of it can be seen in both",
            method=self._method,
            details={"name": quotable(person.name), "missed": line.missed, "passed": line.passed},
        )
        if score is None:
            return base
        value = "similar" if score >= line.similarity else "different"
        return base.model_copy(update={"status": "ok", "reason": None, "value": value, "score": score})


def _probability(found: str, chances: Mapping[str, float], table: Protected) -> Probability:
    authentic = "the photo is an authentic one of the protected person"
    imitation, kinds = "the photo is an imitation of the protected person", len(likelihood.KINDS)
    events = {
        "genuine": (chances["genuine"], authentic, 1),
        "other": (chances["other"], "the photo shows somebody else", 1),
        "swap": (chances["swap"] + chances["synthesised"], imitation, 2),
        "synthesised": (chances["swap"] + chances["synthesised"], imitation, 2),
        likelihood.NOT_AUTHENTIC: (1 - chances["genuine"], "the photo is no authentic one of the protected person", 3),
        likelihood.UNDECIDED: (chances["genuine"], authentic, 1),
    }
    value, event, of = events[found]
    most = table.probability_range[1]
    return Probability(
        value=min(value, most), event=event, calibrated_on=table.calibrated_on, n=table.n, prior=of / kinds
    )


def _leaning(log_odds: float, table: Stack) -> str:
    """As detect_forgery would have it."""
    return "for" if log_odds >= table.high else "against" if log_odds <= table.low else "neither"
