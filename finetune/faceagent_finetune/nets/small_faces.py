"""How small a face may be before faces of different people begin to pass as one: LFW, scaled down.

Part of `calibrate_compare`, which describes it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.embedded_sets import SIZE, EmbeddedSets, Floats, Portrait
from faceagent_tools import similarity
from faceagent_tools.compare import WIDEST_YAW

EYE_DISTANCES = (8, 12, 16, 24)
PEOPLE = 100
FOUND = 0.5
"""Sizes at which the detector finds fewer of the faces are left out: the tool never sees such faces."""
SLACK = 2.0
"""A face is too small where the false match rate is more than so many times that of the same faces at full size."""


def shrunk(portraits: Sequence[Portrait], eyes: Floats, target: int) -> list[Portrait]:
    """The portraits scaled down until the eyes are `target` pixels apart."""
    # Imported where used, like everything that decodes pictures.
    from PIL import Image

    made = []
    for portrait, distance in zip(portraits, eyes, strict=True):
        with Image.open(io.BytesIO(portrait.raw)) as image:
            size = tuple(max(round(side * target / distance), 1) for side in image.size)
            small = image.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, format="PNG")
        made.append(Portrait(portrait.key, portrait.labels, buffer.getvalue()))
    return made


def errors_by_size(
    source: EmbeddedSets, portraits: Sequence[Portrait], rows: Floats, averages: Floats, nearest: int, at: float
) -> dict[int, dict[str, float]]:
    """Error rates at a line when one of two photos, or both, is scaled down to a given eye distance; 0: neither is."""
    chosen = _two_each(portraits, rows)
    big, eyes = similarity.unit(rows[chosen, :SIZE]), rows[chosen, SIZE]
    pictures = [portraits[index] for index in chosen]
    people = np.array([picture.labels["person"] for picture in pictures])
    result = {0: _errors("both", big, None, people, averages, nearest, at)}
    for target in EYE_DISTANCES:
        small = source.embed(f"lfw at {target} px", shrunk(pictures, eyes, target))
        seen = np.isfinite(small[:, 0])
        if np.mean(seen) < FOUND:
            continue
        result[target] = {
            "found": float(np.mean(seen)),
            **_errors("both", similarity.unit(small[seen, :SIZE]), None, people[seen], averages, nearest, at),
            **_errors("one", similarity.unit(small[seen, :SIZE]), big[seen], people[seen], averages, nearest, at),
        }
    return result


def _two_each(portraits: Sequence[Portrait], rows: Floats) -> list[int]:
    """Two portraits of each of the first `PEOPLE` people that have two."""
    by_person: dict[str, list[int]] = {}
    for index, portrait in enumerate(portraits):
        if abs(rows[index, -1]) <= WIDEST_YAW:
            by_person.setdefault(portrait.labels["person"], []).append(index)
    pairs = [members[:2] for members in by_person.values() if len(members) > 1]
    return [index for pair in pairs[:PEOPLE] for index in pair]


def _errors(
    name: str,
    small: Floats,
    big: Floats | None,
    people: npt.NDArray[np.str_],
    averages: Floats,
    nearest: int,
    at: float,
) -> dict[str, float]:
    every = small if big is None else np.concatenate([small, big])
    matrix = similarity.all_pairs(every, averages, nearest)
    count = len(small)
    block = matrix[:count, :count] if big is None else matrix[:count, count:]
    same = people[:, None] == people[None, :]
    off = ~np.eye(count, dtype=bool)
    return {
        f"{name}: false match rate": float(np.mean(block[~same] >= at)),
        f"{name}: true match rate": float(np.mean(block[same & off] >= at)),
    }


def smallest_fit(sizes: Mapping[int, Mapping[str, float]]) -> float:
    """The smallest eye distance at which, and above which, neither false match rate is more than `SLACK` times that
    of the photos at their own size."""
    allowed = SLACK * sizes[0]["both: false match rate"]
    fit = max(sizes)
    for target in sorted(sizes, reverse=True)[:-1]:
        if max(sizes[target]["both: false match rate"], sizes[target]["one: false match rate"]) > allowed:
            break
        fit = target
    return float(fit)
