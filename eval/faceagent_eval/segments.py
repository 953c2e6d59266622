"""Metrics of forged stretches of time, on plain arrays: average precision and average recall, as the sets define them.

The definitions are those of the evaluation of AV-Deepfake1M (ControlNet/AV-Deepfake1M, src/loc_1d.rs, which LAV-DF and
the 1M-Deepfakes challenges share): a proposal hits a labelled stretch if their intersection over union is more than the
threshold; a stretch is hit by one proposal, the first of its video that no other stretch took; over all videos together
precision at a recall is the best at that recall or a higher one. Average recall is of the first N proposals of each
video, averaged over thresholds from 0.5 to 0.95.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceagent_eval.metrics import Bools, Floats

RECALL_AT = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""IoU thresholds of average recall."""


@dataclass(frozen=True)
class Located:
    """One video. proposals: [P, 3], start, end and confidence, the surest first. labels: [L, 2]; in seconds."""

    proposals: Floats
    labels: Floats


def overlaps(proposals: Floats, labels: Floats) -> Floats:
    """Intersection over union [P, L] of stretches [P, 2] and [L, 2]; apart, it is 0."""
    starts, ends = proposals[:, None, 0], proposals[:, None, 1]
    shared = np.minimum(ends, labels[:, 1]) - np.maximum(starts, labels[:, 0])
    spanned = np.maximum(ends, labels[:, 1]) - np.minimum(starts, labels[:, 0])
    return np.asarray(np.divide(np.maximum(shared, 0), spanned, out=np.zeros_like(shared), where=spanned > 0))


def average_precision(videos: Sequence[Located], iou: float) -> float:
    """Area under the curve of precision over recall, 0-1; 0 where nothing is labelled."""
    count = sum(len(video.labels) for video in videos)
    confidence = np.concatenate([video.proposals[:, 2] for video in videos]) if videos else np.zeros(0)
    if not count or not confidence.size:
        return 0.0
    hits = np.concatenate([_hits(video, iou) for video in videos])[np.argsort(-confidence, kind="stable")]
    found = np.cumsum(hits)
    precision, recall = found / np.arange(1, hits.size + 1), found / count
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * best))


def average_recall(videos: Sequence[Located], most: int) -> float:
    """Share of the labelled stretches that one of the first `most` proposals of their video hits, 0-1, averaged over
    `RECALL_AT`; 0 where nothing is labelled."""
    count = sum(len(video.labels) for video in videos)
    if not count:
        return 0.0
    best = [
        overlaps(video.proposals[:most], video.labels).max(axis=0, initial=0.0) for video in videos if len(video.labels)
    ]
    return float(np.mean([np.count_nonzero(np.concatenate(best) > iou) / count for iou in RECALL_AT]))


def _hits(video: Located, iou: float) -> Bools:
    """[P], which proposals hit a labelled stretch that is theirs."""
    hits = np.zeros(len(video.proposals), np.bool_)
    for label in (overlaps(video.proposals, video.labels) > iou).T:
        free = np.flatnonzero(label & ~hits)
        hits[free[:1]] = True
    return hits
