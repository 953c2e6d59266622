"""Copies of a photo in which something can no longer be seen, and what still can be.

Aligned sets have eyes and mouth at known heights; only those are cut, so that it is certain what a cut takes away.
"""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.media import Photo
from faceagent_finetune.corpus.conversation import Picture
from faceagent_finetune.corpus.labelled import LabelledPhoto

Pixels = npt.NDArray[np.uint8]
_QUALITY = 90  # of the JPEG that a copy is saved as

_EYES, _MOUTH = frozenset({"glasses"}), frozenset({"smiling", "open mouth", "lipstick", "beard", "goatee", "moustache"})
_TOP = frozenset({"fringe", "bald head", "hat"})  # not the colour of hair: long hair is seen below the eyes too
_FINE = frozenset(
    {"smiling", "open mouth", "lipstick", "goatee", "moustache", "glasses", "earrings", "age", "expression"}
)


@dataclass(frozen=True)
class Change:
    """hides: attributes that cannot be told afterwards. keeps: those that still can."""

    hides: frozenset[str]
    keeps: frozenset[str]


CHANGES: Mapping[str, Change] = {
    "upper": Change(_MOUTH, _EYES | {"fringe"}),
    "lower": Change(_EYES | _TOP, _MOUTH - {"beard", "moustache"}),
    "blurred": Change(_FINE, frozenset({"black hair", "blond hair"})),
    "tiny": Change(_FINE, frozenset()),  # not the gender: hair and outline still show how a face looks to others
}
# Where the cut above the mouth and the one below the eyes are, in shares of the height, for aligned sets: in CelebA the
# eyes lie at 0.51 and the mouth at 0.70 (Liu et al. 2015, landmarks of the aligned photos), glasses end above 0.59.
CUTS: Mapping[str, tuple[float, float]] = {"celeba40": (0.60, 0.60)}


def changes_for(set_name: str) -> tuple[str, ...]:
    """The changes whose effect on photos of a set is known."""
    return tuple(CHANGES) if set_name in CUTS else ("blurred", "tiny")


def degraded(photo: LabelledPhoto, change: str, rng: random.Random) -> tuple[Picture, str]:
    """The copy, and the width of a face in it in pixels as text (for "tiny"; else "")."""
    pixels = Photo.open(photo.data).pixels
    width, said = pixels.shape[1], ""
    if change == "tiny":
        across = rng.randint(8, 12)
        pixels, said = tiny(pixels, across), str(round(across * _FACE))
    elif change == "blurred":
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), width * rng.uniform(0.07, 0.1)), np.uint8)
    else:
        above, below = CUTS[photo.set]
        height = pixels.shape[0]
        pixels = pixels[: round(above * height)] if change == "upper" else pixels[round(below * height) :]
    return Picture(photo, _saved(pixels), change), said


_FACE = 0.6  # of the photo's width, about, that the face takes in the sets used here


def tiny(pixels: Pixels, across: int) -> Pixels:
    """The photo at this width, enlarged again to what it was, as small faces are before they are shown to a model."""
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (across, max(round(across * height / width), 1)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _saved(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
