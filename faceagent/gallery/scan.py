"""Which vectors can be among the nearest, told from 8-bit copies of them: a quarter of the bytes to read.

Comparing all of a million templates is bound by how fast memory is read. So 8-bit copies are compared first, by ONNX
Runtime, and how far that can be off is known (Cauchy-Schwarz), so that no vector is left out that belongs to the
nearest: filter and refine, as in the VA-file (Weber et al. 1998, VLDB).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from faceagent.gallery.records import Vector

BLOCK = 32_768
"""Vectors in a block: its products stay in the processor's cache."""
_GROUPS = 1024  # of a block; the k-th best of their best is no better than the k-th best of all
# A query has 7 bits and an offset: two products of 8 bits then fit into the 16 bits in which AVX2 adds them up.
_LEVELS, _OFFSET = 63, 64
_PARTS = 64
_ROUNDING = 1e-5  # of float32 sums over some hundred numbers


class _Block(NamedTuple):
    """copies: int8 [D, BLOCK], a column a vector, so that ONNX Runtime need not rearrange them; scale: what one step
    is worth; offsets: int32 [BLOCK], what a query's offset adds to each product; error: the length of the longest
    difference between a vector and its copy."""

    copies: npt.NDArray[np.int8]
    scale: float
    offsets: npt.NDArray[np.int32]
    error: float


class Scan:
    """8-bit copies of vectors of length 1, BLOCK at a time; those that fill no block are the caller's to compare."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._session: Any = None

    def __len__(self) -> int:
        """How many vectors are copied: a multiple of BLOCK."""
        return BLOCK * len(self._blocks)

    def extend(self, vectors: Vector) -> None:
        """Copy what is missing of float32 [N, D], whose first rows are those copied before."""
        for start in range(len(self), len(vectors) - BLOCK + 1, BLOCK):
            self._blocks.append(_copied(vectors[start : start + BLOCK]))

    def cut(self, count: int) -> None:
        """Forget all but the first `count` vectors, and the rest of their last block."""
        del self._blocks[count // BLOCK :]

    @property
    def most(self) -> int:
        """The largest k for which `near` can leave anything out."""
        return _GROUPS * len(self._blocks)

    def near(self, vector: Vector, k: int) -> npt.NDArray[np.intp]:
        """The places, ascending, of all vectors that can be among the k nearest to one: those k, and some more.

        Args:
            vector: float32 [D], of length 1.
            k: 1 to `most`.
        """
        step = float(np.abs(vector).max()) / _LEVELS
        query = np.rint(vector / step)
        off, length = np.linalg.norm(vector - step * query), np.linalg.norm(step * query)
        products = list(self._products((query + _OFFSET).astype(np.uint8)))
        units = [step * block.scale for block in self._blocks]
        errors = [off + block.error * length for block in self._blocks]
        best = [found.reshape(-1, _GROUPS).max(axis=0) for found in products]
        bounds = np.concatenate([unit * of - error for unit, of, error in zip(units, best, errors, strict=True)])
        least = np.partition(bounds, -k)[-k] - _ROUNDING
        places = []
        for number, (found, of) in enumerate(zip(products, best, strict=True)):
            line = int(np.floor((least - errors[number]) / units[number]))
            if of.max() >= line:
                places.append(number * BLOCK + np.flatnonzero(found >= line))
        return np.concatenate(places)

    def _products(self, query: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.int32]]:
        if self._session is None:
            self._session = _session()
        for block in self._blocks:
            (found,) = self._session.run(None, {"query": query[None], "block": block.copies})
            products: npt.NDArray[np.int32] = found[0]
            products -= block.offsets
            yield products


def _copied(vectors: Vector) -> _Block:
    scale = float(np.abs(vectors).max()) / 127
    off = vectors / scale
    rounded = np.rint(off)
    off -= rounded
    error = scale * float(np.sqrt(np.einsum("nd,nd->n", off, off).max()))
    rows = rounded.astype(np.int8)
    # Turned a part at a time, which fits into the cache: several times as fast as all at once.
    copies = np.empty(rows.shape[::-1], np.int8)
    np.concatenate([part.T for part in np.split(rows, _PARTS)], axis=1, out=copies)
    return _Block(copies, scale, _OFFSET * rows.sum(axis=1, dtype=np.int32), error)


def _session() -> Any:
    import onnxruntime  # imported where used: it costs a tenth of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = Path(__file__).with_name("scan.onnx")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
