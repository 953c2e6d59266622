"""Places without a face: parts of photos in which YuNet sees nothing, photos of things, and drawn textures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.detector import labels
from faceagent_finetune.nets.detector.labels import PhotoSet

Pixels = npt.NDArray[np.uint8]
_TRIES = 12
_GROWN = 0.15  # of a face's size on each side: hair and ears are background, the face's edge is not
_THINGS = (
    "brick",
    "cat",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "text",
)
"""Of scikit-image. Its other photos show a person, or are what tests look at."""


class Backgrounds:
    """Gives pictures and patches. Photos of the sets' train part only."""

    def __init__(self, sets: Sequence[PhotoSet]) -> None:
        self._sets = [one for one in sets if min(one.photos.shape[1:3]) >= 80]
        self._train = [np.flatnonzero(one.part == labels.TRAIN) for one in self._sets]
        self._things = things()

    def canvas(self, rng: np.random.Generator, side: int) -> Pixels:
        """uint8 RGB [side, side, 3]: one place, or several beside each other."""
        count = int(rng.choice([1, 1, 2, 3]))
        cuts = [0, *sorted(rng.integers(side // 6, side, count - 1).tolist()), side]
        made = np.empty((side, side, 3), np.uint8)
        for top, bottom in pairwise(cuts):
            middle = int(rng.integers(side // 5, side)) if count > 1 else side
            for left, right in ((0, middle), (middle, side)):
                if right > left and bottom > top:
                    piece = self.patch(rng)
                    made[top:bottom, left:right] = cv2.resize(piece, (right - left, bottom - top))
        return made

    def patch(self, rng: np.random.Generator) -> Pixels:
        """A place without a face, of any size."""
        chance = rng.random()
        if chance < 0.75:
            return self._beside_faces(rng)
        if chance < 0.87 and self._things:
            thing = self._things[rng.integers(len(self._things))]
            return _window(thing, rng, int(rng.integers(40, min(thing.shape[:2]))))
        return drawn(rng, int(rng.integers(40, 200)))

    def _beside_faces(self, rng: np.random.Generator) -> Pixels:
        """Part of a photo that touches nothing in which YuNet sees even a hint of a face."""
        for _ in range(_TRIES):
            which = int(rng.integers(len(self._sets)))
            photos = self._sets[which]
            photo = int(self._train[which][rng.integers(self._train[which].size)])
            boxes, _, scores = photos.faces(photo)
            if scores.max(initial=0.0) < labels.FACE:
                continue  # a face that YuNet did not find may be anywhere
            pixels = photos.photos[photo]
            wide, high = rng.integers(24, max(min(pixels.shape[:2]) // 2, 25), 2)
            left, top = rng.integers(0, pixels.shape[1] - wide + 1), rng.integers(0, pixels.shape[0] - high + 1)
            grown = boxes + (boxes[:, 2:] - boxes[:, :2])[:, [0, 1, 0, 1]] * _GROWN * np.array([-1, -1, 1, 1])
            apart = (
                (grown[:, 2] <= left)
                | (grown[:, 0] >= left + wide)
                | (grown[:, 3] <= top)
                | (grown[:, 1] >= top + high)
            )
            if apart.all():
                return _turned(pixels[top : top + high, left : left + wide], rng)
        return drawn(rng, 96)


def things() -> list[Pixels]:
    """Photos that scikit-image brings; none where it is not installed."""
    try:
        import skimage.data
    except ModuleNotFoundError:
        return []
    made = []
    for name in _THINGS:
        pixels = getattr(skimage.data, name)()
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[:, :, None], 3, axis=2)
        made.append(np.ascontiguousarray(pixels[:, :, :3], np.uint8))
    return made


def _window(pixels: Pixels, rng: np.random.Generator, side: int) -> Pixels:
    high, wide = pixels.shape[:2]
    top, left = int(rng.integers(0, high - side + 1)), int(rng.integers(0, wide - side + 1))
    return _turned(pixels[top : top + side, left : left + side], rng)


def _turned(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    turned = np.rot90(pixels, int(rng.choice([0, 0, 0, 1, 2, 3])))
    return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)


def drawn(rng: np.random.Generator, side: int) -> Pixels:
    """A texture [side, side, 3]: cloud, slope, stripes, shapes or letters."""
    draw: tuple[Callable[[np.random.Generator, int], npt.NDArray[np.float32]], ...] = (
        _cloud,
        _slope,
        _stripes,
        _shapes,
        _shapes,
        _letters,
    )
    made = draw[rng.integers(len(draw))](rng, side)
    if rng.random() < 0.5:
        made = made + rng.normal(0, rng.uniform(1, 15), made.shape).astype(np.float32)
    return np.clip(made, 0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Any colour; as often one like skin."""
    if rng.random() < 0.5:
        return rng.uniform(0, 255, 3).astype(np.float32)
    skin = np.array([1.0, rng.uniform(0.62, 0.85), rng.uniform(0.45, 0.75)])
    return (rng.uniform(50, 255) * skin).astype(np.float32)


def _cloud(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    made = np.zeros((side, side, 3), np.float32) + _colour(rng)
    for cells in (3, 6, 12, 24, 48):
        grain = rng.normal(0, rng.uniform(5, 60) / cells**0.5, (cells, cells, 3)).astype(np.float32)
        if rng.random() < 0.5:
            grain[:] = grain[:, :, :1]
        made += cv2.resize(grain, (side, side), interpolation=cv2.INTER_CUBIC)
    return made


def _slope(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    corners = np.stack([_colour(rng) for _ in range(4)]).reshape(2, 2, 3)
    return np.asarray(cv2.resize(corners, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def _stripes(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    rows, columns = np.mgrid[:side, :side] * (2 * np.pi / rng.uniform(4, 60))
    angle = rng.uniform(0, np.pi)
    wave = np.sin(columns * np.cos(angle) + rows * np.sin(angle))
    if rng.random() < 0.5:
        wave = wave * np.sin(rows * np.cos(angle) - columns * np.sin(angle))
    if rng.random() < 0.5:
        wave = np.sign(wave)
    share = (wave[:, :, None] + 1) / 2
    return np.asarray(_colour(rng) * share + _colour(rng) * (1 - share), np.float32)


def _shapes(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    made = np.zeros((side, side, 3), np.float32) + _colour(rng)
    for _ in range(int(rng.integers(1, 14))):
        centre = tuple(int(value) for value in rng.integers(0, side, 2))
        axes = tuple(int(value) for value in rng.integers(2, max(side // 3, 3), 2))
        colour = _colour(rng).tolist()
        filled = -1 if rng.random() < 0.7 else int(rng.integers(1, 6))
        if rng.random() < 0.6:
            cv2.ellipse(made, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, filled)
        else:
            cv2.rectangle(made, centre, (centre[0] + axes[0], centre[1] + axes[1]), colour, filled)
    return made


def _letters(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    made = np.full((side, side, 3), _colour(rng), np.uint8)
    for _ in range(int(rng.integers(1, 8))):
        text = "".join(chr(code) for code in rng.integers(33, 123, int(rng.integers(1, 10))))
        where = (int(rng.integers(-side // 4, side // 2)), int(rng.integers(8, side)))
        thick = int(rng.integers(1, 5))
        font = int(rng.integers(0, 8))
        cv2.putText(made, text, where, font, float(rng.uniform(0.3, 2.5)), _colour(rng).tolist(), thick, cv2.LINE_AA)
    return made.astype(np.float32)
