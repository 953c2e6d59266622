"""A place on the face that was changed here: which, and what gives it away; and the same photo untouched.

Both copies are encoded alike, so that it is not the file that tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Photo, Pixels
from faceagent_finetune.corpus.conversation import Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.degrade import saved
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.nets.forensic.blends import blended

_Mask = npt.NDArray[np.float32]
Outline = tuple[float, float, float, float]
"""An ellipse: centre and half axes, x before y, in shares of the photo's width and height."""

# Where these are in CelebA's aligned photos: the means of its landmarks (Liu et al. 2015) are eyes at (0.39, 0.51) and
# (0.61, 0.51), the nose's tip at (0.49, 0.62), corners of the mouth at (0.40, 0.70) and (0.60, 0.70).
PLACES: Mapping[str, Mapping[str, Outline]] = {
    "celeba40": {
        "eyes": (0.50, 0.51, 0.24, 0.07),
        "nose": (0.50, 0.60, 0.10, 0.09),
        "mouth": (0.50, 0.70, 0.16, 0.06),
        "chin": (0.50, 0.80, 0.17, 0.06),
        "forehead": (0.50, 0.38, 0.22, 0.07),
    }
}
_SEEN = 5.0  # grey levels, by which a place has changed on average where the change can be seen
_SOFT = 0.02  # of the width, over which the edge of a place fades


def _softer(pixels: Pixels, sign: int) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.05 * pixels.shape[1]), np.uint8)


def _coarser(pixels: Pixels, sign: int) -> Pixels:
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (max(width // 8, 2), max(height // 8, 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def _lighter(pixels: Pixels, sign: int) -> Pixels:
    return cv2.convertScaleAbs(pixels, alpha=1.0 + 0.3 * sign, beta=0).astype(np.uint8)


def _tinted(pixels: Pixels, sign: int) -> Pixels:
    cast = np.array([18.0, 0.0, -18.0]) * sign
    return np.asarray(np.clip(pixels + cast, 0, 255).astype(np.uint8))


_CHANGES: Mapping[str, tuple[Callable[[Pixels, int], Pixels], int]] = {
    "softer": (_softer, 1),
    "coarser": (_coarser, 1),
    "lighter": (_lighter, 1),
    "darker": (_lighter, -1),
    "warmer": (_tinted, 1),
    "colder": (_tinted, -1),
}
"""By what can be seen of them, as wording.toml says it; a change with two ways is given the way."""


def altered(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """Two conversations a question: of the photo altered and of the photo as it was."""
    able = [photo for photo in talk.shuffled(photos) if photo.set in PLACES]
    made = 0
    for photo in able:
        if made >= most - most % 2:
            return
        pixels = Photo.open(photo.data).pixels
        place = talk.rng.choice(list(PLACES[photo.set]))
        found = _changed(pixels, PLACES[photo.set][place], talk)
        if found is None:
            continue
        changed, trace = found
        made += 2
        question = talk.voice.say("altered.ask")
        why = talk.voice.part(f"altered.trace.{trace}")
        said = talk.voice.say("altered.found", place=place, why=why, doubt=talk.voice.part("altered.doubt"))
        none = talk.voice.say("altered.none", doubt=talk.voice.part("altered.doubt"))
        yield _about(photo, changed, f"altered: {place}, {trace}", Turn(question, said, "altered region", place))
        yield _about(photo, pixels, "saved again", Turn(question, none, "altered region", "none"))


def _about(photo: LabelledPhoto, pixels: Pixels, change: str, turn: Turn) -> Conversation:
    return Conversation("altered", (Picture(photo, saved(pixels), change),), (turn,))


def _changed(pixels: Pixels, outline: Outline, talk: Talk) -> tuple[Pixels, str] | None:
    """The photo with a place changed, and by what it can be seen; None where no change shows there."""
    mask = _mask(pixels, outline)
    for trace in talk.rng.sample(list(_CHANGES), len(_CHANGES)):
        change, sign = _CHANGES[trace]
        changed = blended(pixels, change(pixels, sign), mask)
        apart = np.abs(changed.astype(np.float32) - pixels).mean(axis=2)
        if float((apart * mask).sum() / mask.sum()) >= _SEEN:
            return changed, trace
    return None


def _mask(pixels: Pixels, outline: Outline) -> _Mask:
    """float32 [H, W] of 0-1."""
    height, width = pixels.shape[:2]
    x, y, across, down = outline
    hard = np.zeros((height, width), np.float32)
    centre, axes = (round(x * width), round(y * height)), (round(across * width), round(down * height))
    cv2.ellipse(hard, centre, axes, 0, 0, 360, 1.0, thickness=-1)
    return np.asarray(cv2.GaussianBlur(hard, (0, 0), _SOFT * width), np.float32)
