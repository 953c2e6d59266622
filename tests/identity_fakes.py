"""A recogniser that gives each face the embedding that a test wants, and evidence in words."""

from __future__ import annotations

import numpy as np
from held import sentences, word

from faceagent_tools import similarity, weights

MODEL = "dlib_face_recognition_resnet_model_v1"


class Embedder:
    """What the first pixels of a photo say, one for each face: the number of a person, and how far from usual."""

    method = weights.method(MODEL)
    weights = MODEL

    def embed(self, photo, face):
        who, off = (int(value) for value in photo.pixels[0, int(face.id.partition(".")[2]) - 1, :2])
        return vector(who, off / 255)

    def embed_chip(self, chip):
        return vector(int(chip[0, 0, 0]))

    def chip(self, photo, face):
        return np.full((150, 150, 3), photo.pixels[0, 0, 0], np.uint8)


def vector(who, off=0.0):
    """People lie as the recogniser's do: around the average of the cohort's faces, each apart from the others."""
    middle = similarity.unit(similarity.cohort().mean(axis=0))
    own, other = (
        similarity.unit(np.random.default_rng(seed).normal(size=128)) for seed in (who, [who, round(off * 1000)])
    )
    return similarity.unit(middle + 0.4 * own + off * other).astype(np.float32)


def recorded(session, rows):
    return [session.ledger.record(row) for row in rows]


def said(tool, session, rows):
    """The sentences, every one of them carried by the evidence and there in all languages."""
    return sentences(word(tool, rows, session))
