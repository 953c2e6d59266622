"""Scores of descriptions against several that people wrote: BLEU, ROUGE-L and CIDEr-D, as the COCO evaluation has them.

Papineni et al. 2002; Lin 2004; Vedantam et al. 2015. Words are lower case and without punctuation, split at spaces.
They count words in common, and know nothing of what is true: a description that says other things, or says the same
otherwise, scores low. Checked against pycocoevalcap 1.2, of which the definitions are.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent_eval.metrics import Floats

ORDERS = 4
_ROUGE_BETA = 1.2  # how much more recall weighs than precision
_CIDER_SIGMA = 6.0  # words, of the penalty for another length

Words = tuple[str, ...]
Counts = npt.NDArray[np.int64]


def words(text: str) -> Words:
    """Lower case, without punctuation but for what stands within a word."""
    return tuple(re.findall(r"\w+(?:['’-]\w+)*", text.casefold()))


@dataclass(frozen=True)
class Matches:
    """What corpus BLEU is made of. matched, possible: [N, 4], n-grams by order; length, reference: [N], words."""

    matched: Counts
    possible: Counts
    length: Counts
    reference: Counts


def matches(said: Sequence[Words], references: Sequence[Sequence[Words]]) -> Matches:
    """Of each description its n-grams that a reference has, no more often than that one, and the length of the
    reference that is nearest in length, the shorter where two are.

    Raises:
        UsageError: there are none, or one has no reference.
    """
    if not said or len(said) != len(references) or not all(references):
        raise UsageError("Scores of descriptions need at least one, and a reference for each")
    matched, possible, lengths = [], [], []
    for one, others in zip(said, references, strict=True):
        counts = [_grams(one, order) for order in range(1, ORDERS + 1)]
        most = [_union([_grams(other, order) for other in others]) for order in range(1, ORDERS + 1)]
        matched.append([sum((found & limit).values()) for found, limit in zip(counts, most, strict=True)])
        possible.append([sum(found.values()) for found in counts])
        nearest = min((abs(len(other) - len(one)), len(other)) for other in others)[1]
        lengths.append((len(one), nearest))
    length, reference = np.array(lengths, np.int64).T
    return Matches(np.array(matched, np.int64), np.array(possible, np.int64), length, reference)


def bleu(matched: Counts, possible: Counts, length: Counts, reference: Counts, order: int = ORDERS) -> float:
    """BLEU of all descriptions together, 0-1; 0 where an order has nothing in common. See `Matches`."""
    hits, all_ = matched[:, :order].sum(axis=0), possible[:, :order].sum(axis=0)
    if not hits.all():
        return 0.0
    short = float(min(0.0, 1 - reference.sum() / length.sum()))
    return math.exp(short + float(np.mean(np.log(hits / all_))))


def rouge_l(said: Words, references: Sequence[Words]) -> float:
    """F of the longest common subsequence, 0-1, recall weighing more, each of both of the best reference."""
    common = [_common(said, one) for one in references]
    precision = max((length / len(said) for length in common), default=0.0) if said else 0.0
    recall = max((length / len(one) for length, one in zip(common, references, strict=True) if one), default=0.0)
    below = recall + _ROUGE_BETA**2 * precision
    return (1 + _ROUGE_BETA**2) * precision * recall / below if precision and recall else 0.0


def cider(said: Sequence[Words], references: Sequence[Sequence[Words]]) -> Floats:
    """CIDEr-D of each description, [N], 0-10: likeness of n-grams weighed by how rare they are among all references.

    Raises:
        UsageError: see `matches`.
    """
    if not said or len(said) != len(references) or not all(references):
        raise UsageError("Scores of descriptions need at least one, and a reference for each")
    seen = Counter(gram for others in references for gram in {gram for one in others for gram in _all_grams(one)})
    whole = math.log(len(references))
    scores = []
    for one, others in zip(said, references, strict=True):
        mine = _weighed(one, seen, whole)
        each = [_alike(one, mine, other, _weighed(other, seen, whole)) for other in others]
        scores.append(10 * float(np.mean(each)))
    return np.array(scores)


def _grams(said: Words, order: int) -> Counter[Words]:
    return Counter(said[place : place + order] for place in range(len(said) - order + 1))


def _all_grams(said: Words) -> Counter[Words]:
    found: Counter[Words] = Counter()
    for order in range(1, ORDERS + 1):
        found += _grams(said, order)
    return found


def _union(counts: Sequence[Counter[Words]]) -> Counter[Words]:
    most: Counter[Words] = Counter()
    for one in counts:
        most |= one
    return most


def _common(one: Words, other: Words) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        above = 0
        for place, their in enumerate(other, start=1):
            row[place], above = (above + 1 if word == their else max(row[place], row[place - 1])), row[place]
    return row[-1]


def _weighed(said: Words, seen: Counter[Words], whole: float) -> list[dict[Words, float]]:
    """By order, each n-gram's count times the logarithm of how rare it is among the references."""
    return [
        {gram: count * (whole - math.log(max(1.0, seen[gram]))) for gram, count in _grams(said, order).items()}
        for order in range(1, ORDERS + 1)
    ]


def _alike(one: Words, mine: Sequence[dict[Words, float]], other: Words, theirs: Sequence[dict[Words, float]]) -> float:
    """Mean over the orders of the cosine, of what is said no more often than in the reference."""
    cosines = []
    for ours, reference in zip(mine, theirs, strict=True):
        norms = math.hypot(*ours.values()) * math.hypot(*reference.values())
        shared = sum(
            min(weight, reference[gram]) * reference[gram] for gram, weight in ours.items() if gram in reference
        )
        cosines.append(shared / norms if norms else 0.0)
    return float(np.mean(cosines)) * math.exp(-((len(one) - len(other)) ** 2) / (2 * _CIDER_SIGMA**2))
