"""Whether costs grow with a collection: the benchmark with few photos."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from faceagent_eval.benchmarks.collection_growth import CollectionGrowth, Cost, small
from faceagent_eval.run import run


def test_it_examines_real_photos_and_sums_them_up() -> None:
    benchmark = CollectionGrowth()
    benchmark.limit = 20
    result = run(benchmark)
    assert result.figure("examining, 20 photos").value > 0.001
    assert result.figure("watching, 20 photos").value > 0
    assert result.figure("overview, 20 photos").value > 0
    assert result.figure("page of the overview").value > 1000
    growth = result.curves["growth"].lines["examining"]  # type: ignore[union-attr]
    assert [x for x, _ in growth][-1] == 20


def test_growth_is_the_last_stretch_against_the_first() -> None:
    costs = [Cost(100, 0.02, 0.001, 0.003, 400.0, 5000), Cost(200, 0.03, 0.002, 0.004, 410.0, 5000)]
    result = CollectionGrowth().score(costs)
    assert result.figure("last stretch against first").value == pytest.approx(1.5)
    assert result.figure("peak memory").value == 410.0


def test_no_two_photos_are_the_same_file_and_all_are_one_picture() -> None:
    made = [small(number) for number in (0, 1, 19_999)]
    assert len({hashlib.sha256(one).digest() for one in made}) == 3
    assert len({Image.open(io.BytesIO(one)).tobytes() for one in made}) == 1
