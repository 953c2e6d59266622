"""identify_person: who, among the people of the gallery, does a face show?

"supported": the face is as alike to one of them as hardly any stranger is to anybody in a gallery of this size.
"unknown": it is not. "undecided": two of them are that alike, and none of them clearly more. Nobody is named from
looks: only those are looked among who were enrolled with their consent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field, JsonValue

from faceagent import policy
from faceagent.gallery import Gallery
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, Probability, Threshold
from faceagent_tools import compare, minors, readable, similarity
from faceagent_tools.backends import backend
from faceagent_tools.embedding import Embedding, FaceEmbedder, embedding_of
from faceagent_tools.identity import openset
from faceagent_tools.identity.identify_words import word
from faceagent_tools.identity.openset import OpenSet
from faceagent_tools.identity.templates import likeness, model_of
from faceagent_tools.multitask import FaceReader

NOBODY = "nobody is enrolled, and only people enrolled with their consent are named"
NOBODY_FOR_THIS = "nobody is enrolled for the purpose stated"
_LOOKED_AT = 10  # candidates whose templates are opened and weighed against each other
_LISTED = 5
_CLEAR = 0.9
"""Probability of the first candidate from which on another one above the line leaves no doubt who is meant."""
_MARKS = str.maketrans(dict.fromkeys("“”„«»", "'"))
LIMITATIONS = (
    "Twins, close relatives and look-alikes can be as alike as two photos of one person.",
    "How often a stranger is named was measured with press photos of adults of many origins (LFW). In a gallery of "
    "people who look alike, strangers are named more often.",
)


class IdentifyArguments(SubjectArguments):
    false_positive_rate: float = Field(
        default=openset.DEFAULT_RATE,
        description="Share of people not enrolled who may be taken for somebody enrolled: 0.1, 0.01 or 0.001.",
    )


@dataclass(frozen=True)
class Candidate:
    """Somebody enrolled. similarity: to the most alike of the person's templates, as compare_faces has it.
    covers_minors: see `Consent`."""

    name: str
    similarity: float
    protected: bool
    covers_minors: bool


class IdentifyPerson(FaceTool[IdentifyArguments]):
    """The tool.

    Args:
        embedder: the recognition network. reader: the network that reads faces: a child is named only with the consent
            of a guardian.
    """

    name = "identify_person"
    description = (
        "Look faces up among the people enrolled in the gallery, with their consent: the most alike, with a "
        'calibrated probability, or "unknown" at a stated rate of strangers who would be named.'
    )
    arguments = IdentifyArguments
    needs_faces = True

    def __init__(self, embedder: FaceEmbedder, reader: FaceReader) -> None:
        self._embedder, self._reader = embedder, reader

    def run(self, session: Session, arguments: IdentifyArguments) -> list[Evidence]:
        table = openset.table()
        return [self._face(session, face, table, arguments) for face in session.faces_in(arguments.subjects)]

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return word(evidence, names)

    def backends(self) -> list[Backend]:
        return [backend(self._embedder.weights, self.name, chosen=True)]

    def _face(self, session: Session, face: Face, table: OpenSet, arguments: IdentifyArguments) -> Evidence:
        gallery = session.gallery
        templates = 0 if gallery is None else gallery.models().get(model_of(self._embedder), 0)
        base = Evidence(
            tool=self.name,
            subject=face.id,
            attribute="identity",
            method=self._embedder.method,
            status="not_applicable",
            reason=NOBODY,
            limitations=LIMITATIONS,
        )
        if gallery is None or len(gallery) == 0:
            return base
        unfit = compare.unfit({face.id: compare.view(session, face)}, similarity.table())
        if unfit:
            return base.model_copy(update={"status": "abstained", "reason": unfit, "region": face.box})
        line = table.line(max(templates, 1), arguments.false_positive_rate)
        found = candidates(gallery, embedding_of(session, self._embedder, face), self._embedder, session.purpose)
        if not found:
            return base.model_copy(update={"reason": NOBODY_FOR_THIS})
        if withheld := minors.withheld(readable.read(self._reader, session, face), "identification", session.purpose):
            found = [one for one in found if one.covers_minors]
            if not found:
                told = {"status": "abstained", "reason": withheld, "details": {"law": policy.minors_law()}}
                return base.model_copy(update={**told, "region": face.box})
        # Rounded once: 0.05497 reads 0.05, and 0.0550 reads 0.06.
        chances = [round(one, 4) for one in table.probabilities([one.similarity for one in found], len(gallery))]
        details = {
            "false_positive_rate": arguments.false_positive_rate,
            "false_positive_odds": [1, round(1 / arguments.false_positive_rate)],
            "enrolled": len(gallery),
            "templates": templates,
            "extrapolated_beyond": table.largest if templates > table.largest else None,
            "candidates": _listed(found, chances),
        }
        return base.model_copy(
            update={
                "status": "ok",
                "reason": None,
                "value": finding(found, chances, line),
                "score": found[0].similarity,
                "threshold": _threshold(table, line, templates, arguments.false_positive_rate),
                "probability": Probability(
                    value=chances[0],
                    event="the face shows the first of the candidates",
                    calibrated_on=table.calibrated_on,
                    n=table.genuine_pairs + table.impostor_pairs,
                    prior=openset.ENROLLED,
                ),
                "details": {key: value for key, value in details.items() if value is not None},
            }
        )


def candidates(
    gallery: Gallery, embedding: Embedding, embedder: FaceEmbedder, purpose: str | None = None
) -> list[Candidate]:
    """Who of the gallery is most alike to a face, best first.

    The nearest by cosine are looked at, and put in order by the similarity that means the same for all groups.

    Raises:
        GalleryError: the gallery's templates are those of another network.
    """
    model = model_of(embedder)
    found = []
    for hit in gallery.search(embedding, model, _LOOKED_AT, purpose=purpose):
        theirs = [row.vector for row in gallery.templates(hit.name) if row.model == model]
        person = gallery.person(hit.name)
        covered = person is not None and person.consent.covers_minors
        alike = openset.likeliest(likeness([embedding], theirs)[0, 1:])
        found.append(Candidate(hit.name, alike, hit.protected, covered))
    return sorted(found, key=lambda one: -one.similarity)


def finding(found: Sequence[Candidate], chances: Sequence[float], line: float) -> str:
    """supported, undecided or unknown, of candidates best first."""
    above = int(np.sum([one.similarity >= line for one in found]))
    if above == 0:
        return "unknown"
    return "supported" if above == 1 or chances[0] >= _CLEAR else "undecided"


def quotable(name: str) -> str:
    """A name as it can stand in the quotation marks of any language."""
    return name.translate(_MARKS)


def _listed(found: Sequence[Candidate], chances: Sequence[float]) -> list[JsonValue]:
    return [
        {
            "name": quotable(one.name),
            "similarity": round(one.similarity, 4),
            "probability": chance,
            "protected": one.protected,
        }
        for one, chance in list(zip(found, chances, strict=True))[:_LISTED]
    ]


def _threshold(table: OpenSet, line: float, templates: int, rate: float) -> Threshold:
    how = "extrapolated" if templates > table.largest else "measured"
    return Threshold(
        value=line,
        rule=">=",
        meaning="alike enough to be named",
        source=(
            f"false-positive identification rate {rate:g} in a gallery of {templates:,} templates, {how}: "
            f"{table.people:,} people of LFW; `{table.command}`"
        ),
    )
