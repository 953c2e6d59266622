"""The benchmark of stores: what it asks of a store gives the right answer where that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceagent.errors import UsageError
from faceagent_eval.benchmarks import make
from faceagent_eval.benchmarks.gallery import _crashes, _left, _speed, directions
from faceagent_eval.run import lines
from faceagent_eval.vector_stores import STORES, Product, megabytes


def test_the_product_is_measured_and_leaves_nothing_readable(tmp_path: Path) -> None:
    found = _speed(Product, tmp_path / "speed", 16, 300)
    assert {"insert", "open and first search", "exact", "filtered", "files", "delete one"} <= found.keys()
    assert all(value >= 0 for value in found.values())
    assert _left(Product, tmp_path / "deletion", 16) == -1.0  # never readable, since all of it is encrypted
    benchmark = make("gallery", limit=300)
    told = "\n".join(lines(benchmark.score([found, found])))
    assert "300 random directions" in told and "512: exact" in told


def test_a_store_in_the_clear_is_seen_to_keep_what_was_deleted(tmp_path: Path) -> None:
    class Careless(Product):
        """Writes vectors beside the gallery and never removes them."""

        def insert(self, ids: range, vectors: np.ndarray) -> None:  # type: ignore[override]
            with (self.folder / "plain.bin").open("ab") as stream:
                stream.write(vectors.tobytes())

        def delete(self, ids: range) -> None:  # type: ignore[override]
            pass

    assert _left(Careless, tmp_path / "deletion", 16) == 1.0


def test_a_killed_writer_of_the_product_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceagent_eval.benchmarks.gallery.CRASHES", 1)
    assert set(_crashes("exact", tmp_path, 16).values()) == {0.0}


def test_directions_have_length_one_and_the_filter_is_heeded(tmp_path: Path) -> None:
    vectors = directions(50, 16)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    store = Product(tmp_path / "g", 16)
    store.insert(range(50), vectors)
    assert store.search(vectors[12], 1, exact=True) == [12]
    assert {number % 10 for number in store.search(vectors[12], 5, exact=True, group=3)} == {3}
    store.close()


def test_copies_of_8_bits_find_whom_all_numbers_find(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    vectors = directions(500, 16)
    store = STORES["faiss-8bit"](tmp_path, 16)
    store.insert(range(500), vectors)
    nearest = np.argsort(-(vectors @ vectors[12]))[:5].tolist()
    assert store.search(vectors[12], 5, exact=True) == nearest
    store.delete([499])
    assert store.count() == 499


def test_a_store_that_is_not_installed_is_said_with_the_command() -> None:
    assert megabytes(()) == 0.0
    assert megabytes(("no-such-package-of-anybody",)) is None
    if megabytes(("milvus-lite", "pymilvus")) is None:
        with pytest.raises(UsageError, match="pip install pymilvus milvus-lite"):
            make("gallery", backend="milvus-lite").items()
    with pytest.raises(UsageError, match="takes no data"):
        make("gallery", data=Path("somewhere"))
