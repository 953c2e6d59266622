"""Metrics of where things are in a photo, on plain arrays: faces, points, angles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceagent_eval.metrics import Bools, Floats

WIDER_THRESHOLDS = 1000
Counts = npt.NDArray[np.int64]


def overlaps(found: Floats, labelled: Floats) -> Floats:
    """Intersection over union [N, M] of boxes (x, y, width, height), [N, 4] and [M, 4].

    Edges are whole pixels that belong to the box, as in the evaluation of WIDER FACE: a box is one wider than its
    width says.
    """
    ends = [boxes[:, :2] + boxes[:, 2:] for boxes in (found, labelled)]
    low = np.maximum(found[:, None, :2], labelled[None, :, :2])
    high = np.minimum(ends[0][:, None], ends[1][None])
    shared = np.clip(high - low + 1, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] + 1).prod(axis=1) for boxes in (found, labelled)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None] - shared))


def wider_counts(found: Floats, scores: Floats, labelled: Floats, kept: Bools, iou: float = 0.5) -> Counts:
    """For one photo and each of 1,000 thresholds: detections that count, and labelled faces that are found, [1000, 2].

    By the evaluation of WIDER FACE (Yang et al. 2016; eval_tools, and widerface_evaluate/evaluation.py in
    biubug6/Pytorch_Retinaface): a detection belongs to the labelled face that it overlaps most; one on a face that is
    not kept counts as nothing, a second one on a face that is kept as false. A photo without labelled faces counts as
    nothing.

    Args:
        found: [N, 4] as in `overlaps`. scores: [N], 0-1, over all photos.
        labelled: [M, 4]. kept: [M], False for faces that are ignored.
    """
    counts = np.zeros((WIDER_THRESHOLDS, 2), np.int64)
    if not len(found) or not len(labelled):
        return counts
    order = np.argsort(-scores, kind="stable")
    shared = overlaps(found[order], labelled)
    best = shared.argmax(axis=1)
    hits = shared.max(axis=1) >= iou
    proposed = ~(hits & ~kept[best])
    first = np.zeros(len(order), np.bool_)
    place = np.flatnonzero(hits & kept[best])
    first[place[np.unique(best[place], return_index=True)[1]]] = True
    thresholds = 1 - np.arange(1, WIDER_THRESHOLDS + 1) / WIDER_THRESHOLDS
    passed = np.searchsorted(-scores[order], -thresholds, side="right")
    for column, flags in enumerate((proposed, first)):
        counts[:, column] = np.append(0, np.cumsum(flags))[passed]
    return counts


def wider_average_precision(counts: Counts, faces: int) -> float:
    """Area under the largest precision at each recall or more, of the counts [1000, 2] summed over all photos."""
    if not faces:
        return 0.0
    precision = counts[:, 1] / np.maximum(counts[:, 0], 1)
    recall = np.append(0.0, counts[:, 1] / faces)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope))


def normalised_error(found: Floats, labelled: Floats, unit: float) -> float:
    """Mean distance of points [N, 2] in shares of a distance such as that between the outer corners of the eyes."""
    return float(np.linalg.norm(found - labelled, axis=1).mean() / unit)


def error_area(errors: Floats, limit: float) -> float:
    """Area under the cumulative distribution of errors [N] from 0 to the limit, 0-1 (AUC of the CED curve).

    In closed form: each error gives the share of the way to the limit that is still ahead of it.
    """
    return float(np.mean(np.clip(1 - errors / limit, 0, None)))


def angle_error(found: Floats, labelled: Floats) -> Floats:
    """Absolute difference of angles in degrees the shorter way round, 0-180."""
    return np.asarray(np.abs((found - labelled + 180) % 360 - 180))
