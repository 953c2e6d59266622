"""What comparing faces costs: the benchmark with few of them."""

from __future__ import annotations

import numpy as np

from faceagent_eval.benchmarks.recurring import Recurring, made
from faceagent_eval.run import run


def test_it_measures_and_made_people_are_found():
    benchmark = Recurring()
    benchmark.limit = 400
    result = run(benchmark)
    assert [figure.n for figure in result.figures][::3] == [20, 80, 200, 400]
    assert result.figure("processor time, 400 faces").value > 0
    assert result.figure("pairs, F, 400 faces").value > 0.95


def test_the_same_number_gives_the_same_faces():
    (people, vectors), (again, others) = made(50), made(50)
    assert np.array_equal(people, again) and np.array_equal(vectors, others)
    assert len(people) == len(vectors) == 50
