"""Face embeddings: 128 numbers that lie close together for photos of one person.

dlib's ResNet (`trunk`) on the product's one alignment. Each face is read as it is and mirrored; the mean of both is
scaled to length 1, so that a distance lies between 0 and 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.types import Face, Method
from faceagent_tools import align, trunk, weights
from faceagent_tools.trunk import Trunk

Embedding = npt.NDArray[np.float32]


class Embedder(Protocol):
    """What gives embeddings of faces."""

    @property
    def weights(self) -> str: ...

    @property
    def method(self) -> Method: ...

    def embed(self, photo: Photo, face: Face) -> Embedding: ...


class FaceEmbedder:
    """The embedded recognition network. Its weights are loaded by the first call."""

    weights = trunk.WEIGHTS

    def __init__(self, shared: Trunk | None = None) -> None:
        self._trunk = shared or Trunk()

    @property
    def method(self) -> Method:
        return weights.method(self.weights)

    def embed(self, photo: Photo, face: Face) -> Embedding:
        """The embedding of one face: float32 [128], length 1.

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        return self.embed_chip(self.chip(photo, face))

    def chip(self, photo: Photo, face: Face) -> Pixels:
        """What the network sees of a face: uint8 RGB [150, 150, 3], aligned."""
        return align.face_chip(photo, face, size=trunk.CHIP_SIZE, padding=trunk.CHIP_PADDING)

    def embed_chip(self, chip: Pixels) -> Embedding:
        """The same for a face that is already aligned: uint8 RGB [150, 150, 3]."""
        mean = self._trunk.both_ways(chip)["embedding"].mean(axis=0)
        return cast(Embedding, (mean / np.linalg.norm(mean)).astype(np.float32))


def embedding_of(session: Session, embedder: Embedder, face: Face) -> Embedding:
    """The embedding of a face of a session: computed once, whichever tools ask.

    Raises:
        WeightsError: the model file is missing or damaged.
    """
    key = ("embedding", embedder.weights, face.id)
    return session.memo(key, lambda: embedder.embed(session.photo(face.image), face))


def distance(left: Embedding, right: Embedding) -> float:
    """Euclidean distance of two embeddings of length 1: 0 (alike in everything the network sees) to 2."""
    return float(np.linalg.norm(left.astype(np.float64) - right.astype(np.float64)))


def eye_distance(photo: Photo, face: Face) -> float:
    """Pixels between the centres of the eyes in the upright photo: what detail there is to recognise a face by."""
    outer_left, inner_left, outer_right, inner_right, _ = align.points5(photo, face)
    return float(np.linalg.norm(outer_left + inner_left - outer_right - inner_right) / 2)


def main_face(faces: Sequence[Face], width: float, height: float) -> Face | None:
    """The face that a portrait is about: large and near the centre; None where there is no face.

    Rank: face width less twice the distance of its centre from the centre of the photo, so that neither a crowd in
    the background nor a small false find in the middle wins.
    """

    def rank(face: Face) -> float:
        x, y = face.box.centre
        return face.box.width - 2 * math.hypot(x - width / 2, y - height / 2)

    return max(faces, key=rank, default=None)
