"""Which parts of a face support a likeness: parts are blurred one after the other, and the likeness is taken again.

Where blurring lowers the likeness the part supports it; where it raises it the part speaks against it. Occlusion needs
no gradients and no other network (Zeiler & Fergus 2014; RISE, Petsiuk et al. 2018, arXiv:1806.07421). Blur takes the
detail away without adding an edge of its own (Fong & Vedaldi 2017, arXiv:1704.03296).
"""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent_tools import trunk
from faceagent_tools.embedding import Embedding
from faceagent_tools.identity import regions
from faceagent_tools.similarity import Floats, unit
from faceagent_tools.trunk import Trunk

STEP, SIDE = 20, 40
"""Pixels of the crop between the centres of two occlusions, and across one."""
_BLUR = 12.0  # pixels of the crop: only the colour of the surroundings is left
_BATCH = 16
_SHOWN = 300  # pixels across the picture
_TINT = 0.55


def support(network: Trunk, chip: Pixels, other: Embedding) -> Floats:
    """How much each place of an aligned face supports its likeness to another one.

    Args:
        chip: uint8 RGB [150, 150, 3]. other: embedding of the other face.

    Returns:
        [150, 150], the loss of cosine where the place is blurred; negative where the likeness grows.

    Raises:
        WeightsError: the model file is missing or damaged.
    """
    places = occlusions()
    whole = cosines(network, chip[None], other)[0]
    loss = whole - cosines(network, np.stack([blurred(chip, place) for place in places]), other)
    weight = np.maximum(places.sum(axis=0), 1e-6)
    return np.asarray((loss[:, None, None] * places).sum(axis=0) / weight)


def occlusions() -> Floats:
    """Soft discs over the crop, 0-1, [K, 150, 150]."""
    middles = np.arange(STEP / 2 + 5, trunk.CHIP_SIZE, STEP)
    axis = np.arange(trunk.CHIP_SIZE) + 0.5
    distance = np.hypot(
        axis[None, None, :] - np.tile(middles, middles.size)[:, None, None],
        axis[None, :, None] - np.repeat(middles, middles.size)[:, None, None],
    )
    return np.asarray(np.clip((SIDE / 2 - distance) / (SIDE / 4), 0, 1))


def blurred(chip: Pixels, share: Floats) -> Pixels:
    """The crop with its detail taken away by a share [150, 150], 0-1."""
    soft = cv2.GaussianBlur(chip, (0, 0), _BLUR)
    return np.asarray(np.rint(chip + share[..., None] * (soft.astype(np.float64) - chip)), np.uint8)


def cosines(network: Trunk, chips: npt.NDArray[np.uint8], other: Embedding) -> Floats:
    """Of crops [N, 150, 150, 3] to another embedding: [N]."""
    parts = [network.run(chips[start : start + _BATCH])["embedding"] for start in range(0, len(chips), _BATCH)]
    return np.asarray(unit(np.concatenate(parts).astype(np.float64)) @ unit(other.astype(np.float64)))


def by_region(found: Floats, points: Floats) -> dict[str, float]:
    """Mean support of each part that lies in the crop. points: [78, 2] in pixels of the crop."""
    masks = regions.masks(points)
    return {name: float(found[mask > 0].mean()) for name, mask in masks.items() if mask.any()}


def overlay(chip: Pixels, found: Floats) -> bytes:
    """The crop in grey, what supports the likeness in red and what speaks against it in blue, as PNG."""
    from PIL import Image

    size = (_SHOWN, _SHOWN)
    grey = cv2.cvtColor(cv2.cvtColor(cv2.resize(chip, size), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    strength = cv2.resize(found / max(float(np.abs(found).max()), 1e-9), size)[..., None]
    colour = np.where(strength > 0, np.array([220, 40, 30]), np.array([30, 90, 220]))
    share = _TINT * np.abs(strength)
    buffer = io.BytesIO()
    Image.fromarray(np.rint(grey * (1 - share) + colour * share).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()
