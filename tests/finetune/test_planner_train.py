"""What the planner is trained on, in order."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the extra train")

from faceagent_finetune.planner.train import _TOGETHER, Batches

RECIPE = {"seed": 7, "again": 2, "batch": 2, "sampled": 0.15, "dropped": 0.03}


class Letters:
    """A tokeniser whose pieces are letters; some are lost by chance, for which there is no seed, where it samples."""

    def encode(self, text: str, **options: Any) -> list[int]:
        return [ord(letter) for letter in text if not options or secrets.randbelow(2)]


def asked(batches: Batches, steps: range) -> list[tuple[float, ...]]:
    """What the questions of each step are about."""
    return [tuple(batches.batch(step).truth.ravel().tolist()) for step in steps]


@pytest.mark.parametrize("step", [5, _TOGETHER, _TOGETHER + 5])
def test_a_run_that_goes_on_is_asked_what_it_would_have_been(step: int) -> None:
    whole = asked(Batches(RECIPE, Letters()), range(2 * _TOGETHER))
    assert asked(Batches(RECIPE, Letters()), range(step, 2 * _TOGETHER)) == whole[step:]


def test_questions_are_others_from_turn_to_turn_and_by_the_seed() -> None:
    first = asked(Batches(RECIPE, Letters()), range(3 * _TOGETHER))
    turns = [first[start : start + _TOGETHER] for start in range(0, len(first), _TOGETHER)]
    assert turns[0] != turns[1] != turns[2]
    assert first != asked(Batches({**RECIPE, "seed": 8}, Letters()), range(3 * _TOGETHER))
