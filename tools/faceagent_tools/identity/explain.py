"""Evidence on a comparison with what supports it: the parts of the face by their support, and a picture of it."""

from __future__ import annotations

from pydantic import JsonValue

from faceagent.session import Session
from faceagent.types import Evidence, Face
from faceagent_tools.embedding import FaceEmbedder, embedding_of
from faceagent_tools.identity import regions, saliency
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import Trunk

NEAR = 0.75
"""Share of the strongest part's support from which a part is named with it."""


class Explainer:
    """Looks at the first face of a pair, part by part.

    Args:
        embedder: the recognition network. reader: for the points of the face. trunk: what both look through.
    """

    def __init__(self, embedder: FaceEmbedder, reader: FaceReader, trunk: Trunk) -> None:
        self._embedder, self._reader, self._trunk = embedder, reader, trunk

    def explained(self, session: Session, left: Face, right: Face, row: Evidence) -> Evidence:
        """The evidence with `details` support (mean loss of cosine by part), supporting, opposing and picture.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        if row.status != "ok":
            return row
        photo = session.photo(left.image)
        chip = self._embedder.chip(photo, left)
        found = saliency.support(self._trunk, chip, embedding_of(session, self._embedder, right))
        points = regions.in_crop(photo, left, self._reader.read(session, left).points)
        support = saliency.by_region(found, points)
        most = max(support.values())
        details: dict[str, JsonValue] = {
            "support": {name: round(value, 4) for name, value in support.items()},
            "supporting": [name for name, value in support.items() if value > 0 and value >= NEAR * most],
            "opposing": [name for name, value in support.items() if value < 0],
            "picture": session.illustrate(left.image, saliency.overlay(chip, found)),
        }
        return row.model_copy(update={"details": {**row.details, **details}})
