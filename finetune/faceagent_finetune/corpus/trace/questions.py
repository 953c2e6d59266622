"""What is asked: the planner's labelled questions, with the reading that their labels give them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from faceagent.controllers.planner import Reading, decided, labels, planner
from faceagent_finetune.planner.asked import Asked, asked
from faceagent_finetune.planner.compose import Composer
from faceagent_finetune.planner.grammar import NOTHING

_LANGUAGE = "en"
"""Answers are held against evidence word by word, which is known for English alone (see `faceagent.ground`)."""
_NOISE = 0.1
"""Share of the composed questions with a slip of the keyboard or of case."""


def question(split: str, rng: random.Random) -> Asked:
    """One of a label drawn by chance, so that none outnumbers the others; of val, one that the planner never saw."""
    pool = _by_label(split == "val")
    return rng.choice(pool[rng.choice(sorted(pool))])


def questions(split: str, rng: random.Random) -> Iterator[Asked]:
    """Without end: of train, every other one composed, or there would be some ten thousand."""
    composer = Composer(rng.getrandbits(64), noise=_NOISE)
    while True:
        yield question(split, rng)
        if split == "train":
            made = composer.question(_LANGUAGE)
            yield Asked(made.text, made.labels, made.language, made.style, held=False)


def right_reading(question: Asked) -> Reading:
    """What a question asks for, by its labels; in which order it does so, by the network's places."""
    network = planner()
    several = len(question.labels) > 1
    places = network.scores(question.text)[1] if several else dict.fromkeys(labels(), 0.0)
    return decided({label: float(label in question.labels) for label in labels()}, places, network.confidence)


@cache
def _by_label(held: bool) -> Mapping[str, tuple[Asked, ...]]:
    found: dict[str, list[Asked]] = defaultdict(list)
    for one in asked():
        if one.language == _LANGUAGE and one.held == held:
            for label in one.labels or (NOTHING,):
                found[label].append(one)
    return {label: tuple(rows) for label, rows in found.items()}
