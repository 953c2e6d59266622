"""The exact index answers as if every vector were compared, also where short copies rule most of them out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceagent.gallery import scan
from faceagent.gallery.index import ExactIndex
from faceagent.gallery.records import Vector

D = 32
MANY = 2 * scan.BLOCK + 1000  # two blocks, and some that fill none


def unit(rows: np.ndarray) -> Vector:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def scattered(random: np.random.Generator) -> Vector:
    return unit(random.standard_normal((MANY, D)))


def crowded(random: np.random.Generator) -> Vector:
    """Groups so close together that four bits do not tell them apart."""
    centres = random.standard_normal((MANY // 50 + 1, D))
    return unit(np.repeat(centres, 50, axis=0)[:MANY] + 0.01 * random.standard_normal((MANY, D)))


def uneven(random: np.random.Generator) -> Vector:
    """One number outweighs the others: without the rotation, copies would hold little else."""
    rows = 0.02 * random.standard_normal((MANY, D))
    rows[:, 3] += 1
    return unit(rows)


def filled(vectors: Vector) -> ExactIndex:
    index = ExactIndex(D)
    index.add(np.arange(len(vectors), dtype=np.int64), vectors)
    index.settle()
    return index


def agrees(index: ExactIndex, ids: np.ndarray, vectors: Vector, query: Vector, k: int) -> None:
    """The answer is that of comparing all; equal ones may change places."""
    found, all_of_them = index.search(query, k), vectors @ query
    best = np.sort(all_of_them)[::-1][:k]
    assert len(set(found.ids.tolist())) == k
    assert np.allclose(found.similarities, best, atol=2e-6)
    assert np.allclose(all_of_them[np.searchsorted(ids, found.ids)], found.similarities, atol=2e-6)


@pytest.mark.parametrize("made", [scattered, crowded, uneven])
def test_the_nearest_are_those_of_comparing_all(made) -> None:
    random = np.random.default_rng(0)
    vectors = made(random)
    index, ids = filled(vectors), np.arange(MANY)
    for of in random.integers(0, MANY, 10):
        query = unit(vectors[of] + 0.1 * random.standard_normal(D))
        for k in (1, 20, 3000):  # the last is more than can be ruled out by groups
            agrees(index, ids, vectors, query, k)
    agrees(index, ids, vectors, unit(np.eye(D)[5]), 20)


def test_most_vectors_are_ruled_out() -> None:
    vectors = scattered(np.random.default_rng(1))
    copies = scan.Scan(D)
    copies.extend(vectors)
    assert len(copies) == 2 * scan.BLOCK
    near = copies.near(vectors[: len(copies)], unit(vectors[60_000] + 0.5 * vectors[3]), 5)
    assert 60_000 in near and 5 <= len(near) < 1500


@pytest.mark.parametrize("dimensions", [32, 128, 200, 512, 700])
@pytest.mark.parametrize("crowd", [0.0, 3.0])
def test_products_with_copies_are_off_by_no_more_than_follows_from_the_dimensions(dimensions, crowd) -> None:
    random = np.random.default_rng(3)
    spectrum = np.geomspace(1, 0.01, dimensions)  # falls, as a recogniser's does
    rows = spectrum * random.standard_normal((scan.BLOCK, dimensions))
    vectors = unit(rows + crowd * np.linalg.norm(spectrum) * np.eye(dimensions)[-1])
    copies = scan.Scan(dimensions)
    copies.extend(vectors)
    (block,) = copies._blocks
    query = unit(vectors[7] + vectors[11])
    turned = query @ copies._turn - block.turned
    off = copies._products(block, turned) + block.centre @ query - vectors @ query
    lengths = np.linalg.norm(vectors - block.centre, axis=1)
    assert 0.08 < np.mean(block.errors / lengths) < 0.12
    deviation = np.linalg.norm(turned) * block.errors / np.sqrt(dimensions - 1)
    assert 0.8 < np.std(off / deviation) < 1.1  # as promised, and not by far less
    slope, offset = copies._margin(block, turned)
    assert (np.abs(off) <= slope * block.errors + offset).all()


def test_vectors_that_are_all_the_same_are_found() -> None:
    vectors = np.repeat(unit(np.ones((1, D))), MANY, axis=0)
    vectors[70] = unit(np.arange(D, dtype=float))
    index = filled(vectors)
    assert index.search(vectors[70], 1).ids.tolist() == [70]
    agrees(index, np.arange(MANY), vectors, vectors[0], 20)


def test_it_follows_what_is_added_and_removed() -> None:
    random = np.random.default_rng(2)
    vectors = scattered(random)
    index, ids = filled(vectors), np.arange(MANY)
    gone = np.array([5, scan.BLOCK + 7, MANY - 1])  # in both blocks and behind them
    index.remove(gone)
    index.settle()
    kept = np.delete(vectors, gone, axis=0)
    for number in gone:
        assert number not in index.search(vectors[number], 20).ids
        agrees(index, np.delete(ids, gone), kept, vectors[number], 20)
    more = scattered(random)[: scan.BLOCK]
    index.add(np.arange(MANY, MANY + len(more)), more)
    index.settle()
    assert index.search(more[-1], 1).ids.tolist() == [MANY + len(more) - 1]
    index.remove(np.array([MANY * 9]))  # nobody's
    agrees(
        index, np.append(np.delete(ids, gone), np.arange(MANY, MANY + len(more))), np.append(kept, more, 0), more[9], 5
    )


@pytest.mark.parametrize("width", scan.WIDTHS)
def test_the_graphs_are_what_their_script_writes(width) -> None:
    pytest.importorskip("onnx")
    from faceagent_finetune.nets.scan_graph import graph

    assert Path(scan.__file__).with_name(f"scan{width}.onnx").read_bytes() == graph(width)
