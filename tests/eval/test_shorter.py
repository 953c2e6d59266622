"""The benchmark of shorter templates: right where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from identity_fakes import vector

from faceagent.gallery import scan
from faceagent_eval.benchmarks import make, shorter
from faceagent_eval.benchmarks.grouping import Read


def test_principal_axes_are_found_in_their_order():
    random = np.random.default_rng(0)
    true = np.linalg.qr(random.standard_normal((8, 8)))[0]
    rows = random.standard_normal((5000, 8)) * [8, 7, 6, 5, 4, 3, 2, 1] @ true.T
    found = shorter.principal(rows)
    assert np.allclose(found.T @ found, np.eye(8))
    assert (np.abs((found * true).sum(axis=0)) > 0.95).all()


def test_what_first_numbers_rule_out_without_an_error():
    random = np.random.default_rng(1)
    rows = random.standard_normal((300, 128)) * np.geomspace(1, 1e-6, 128)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    left = shorter.Short(rows, np.eye(128)).left(rows[5])
    assert left == sorted(left, reverse=True) and left[-1] == shorter.LOOKED_AT and left[0] > shorter.LOOKED_AT


@pytest.mark.parametrize("way", ["pca", "truncated"])
def test_all_numbers_lose_nothing_and_few_lose_much(way, tmp_path, monkeypatch):
    monkeypatch.setattr(shorter, "DRAWN", scan.BLOCK)
    monkeypatch.setattr(shorter, "QUERIES", 3)
    reads = [
        Read(f"P{who}_000{number}", vector(who, 0.1 + number / 20)) for who in range(1, 161) for number in range(3)
    ]
    benchmark = make("shorter", tmp_path, way)
    result = benchmark.score([*reads, Read("Nobody_0001", None)])
    assert result.backend == way and "In 1 portraits no face" in result.notes[0]
    value = {figure.name: figure.value for figure in result.figures}
    assert value["128: recall of the nearest 5"] == 1.0 and value["128: the person comes first"] > 0.99
    assert (
        value["16: recall of the nearest 5"] < 0.9
        and value["16: named at FPIR 0.01"] < value["128: named at FPIR 0.01"]
    )
    assert value["drawn: recall of the nearest 5"] == 1.0
    assert 0 < value["drawn: looked at again after 4 bits a number"] < 0.1
