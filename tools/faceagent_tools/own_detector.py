"""faceagent-detector: our own network, which YuNet taught, and how a photo is searched with it.

Trained by `faceagent_finetune.nets.detector` and shipped with the package (networks/, with its model card).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files

import cv2
import numpy as np

from faceagent.geometry import Affine
from faceagent.media import Pixels
from faceagent_tools.detection_views import Network, Raw, mapped, network_pass, one_per_face, searched

NAME = "faceagent-detector"
USUAL_SIDE = 640
# Our network was trained on faces of 11 to 290 px: the largest of a photo are searched in a smaller copy.
_SIDES = (256, USUAL_SIDE, 1600)
# Photos smaller than this are enlarged to it: of FER+'s, 48 px, it then is surer.
_SMALLEST = 192
FIRST_SCORE = 0.3
"""Score from which something is looked at a second time."""
_VIEW, _FACE = 160, 72  # px: the second look and the face in it
_SAME = 0.3  # IoU


def looks(network: Network, pixels: Pixels, wanted: Sequence[float] = (0.0,)) -> list[Raw]:
    """What our network finds in all sizes of an upright picture, each face once and looked at again by itself.

    Args:
        wanted: scores, falling. What no second look can raise to the first is left out, unless nothing reaches it:
            then the next counts.
    """
    longest = max(pixels.shape[:2])
    if longest < _SMALLEST:
        size = [max(round(length * _SMALLEST / longest), 1) for length in pixels.shape[1::-1]]
        enlarged = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        back = Affine.scaling(pixels.shape[1] / size[0], pixels.shape[0] / size[1])
        return [mapped(raw, back, 0.0) for raw in looks(network, enlarged, wanted)]
    coarse, usual, fine = _SIDES
    sides = [usual, *([coarse] if longest > coarse else []), *([fine] if longest > usual else [])]
    found = [raw for side in sides for raw in searched(pixels, side, 0.0, partial(network_pass, network))]
    faces = one_per_face(found)
    seen: list[Raw] = []
    for least in wanted:
        left = faces[len(seen) :]  # the strongest come first
        seen += [_looked_at_again(network, pixels, raw) for raw in left if (raw.score + 1) / 2 >= least]
        if any(raw.score >= least for raw in seen):
            break
    return seen


def _looked_at_again(network: Network, pixels: Pixels, raw: Raw) -> Raw:
    """The mean of a detection's score and of that in a view where it is of the size that the network knows best."""
    scale = _FACE / math.sqrt(max(raw.box.area, 1.0))
    x, y = raw.box.centre
    half = _VIEW / 2 / scale
    x0, y0, x1, y1 = (round(value) for value in (x - half, y - half, x + half, y + half))
    high, wide = pixels.shape[:2]
    part = pixels[max(y0, 0) : max(min(y1, high), 0), max(x0, 0) : max(min(x1, wide), 0)]
    if part.size == 0:
        return replace(raw, score=raw.score / 2)
    edges = max(-y0, 0), max(y1 - high, 0), max(-x0, 0), max(x1 - wide, 0)
    framed = cv2.copyMakeBorder(part, *edges, cv2.BORDER_CONSTANT, value=(0, 0, 0)) if any(edges) else part
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    view = np.asarray(cv2.resize(framed, (_VIEW, _VIEW), interpolation=way), np.uint8)
    there = mapped(raw, Affine.translation(-x0, -y0).then(Affine.scaling(_VIEW / (x1 - x0))), 0.0)
    again = [other.score for other in network_pass(network, view) if other.box.iou(there.box) > _SAME]
    return replace(raw, score=(raw.score + max(again, default=0.0)) / 2)


@cache
def thresholds() -> dict[str, float]:
    """Scores of our network: `score` (a face), `weak_score` (perhaps one), `sure_score` (no turned copy is searched).

    Chosen on photos put aside from its training: see networks/faceagent-detector.md.
    """
    text = files("faceagent_tools").joinpath("networks", f"{NAME}.json").read_text(encoding="utf-8")
    found: dict[str, float] = json.loads(text)["thresholds"]
    return found
