"""Which vectors can be among the nearest, told from copies of them with four bits a number: an eighth of the bytes.

Comparing all of a million templates is bound by how fast memory is read. So short copies are compared first, by ONNX
Runtime, and the vectors themselves only where the copies leave it open: filter and refine, as in the VA-file (Weber et
al. 1998, VLDB). The copies are of what a vector differs by from the mean (templates of faces all point in much the same
direction), turned by a random rotation and scaled so that a product is right on average, whatever the vectors are; how
far it can be off then follows from lengths and dimensions alone (RaBitQ: Gao & Long 2024, arXiv:2405.12497, and Gao et
al. 2024, arXiv:2409.09913). `CERTAIN` says how sure it is that none is left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from faceagent.gallery.records import Vector
from faceagent.gallery.rotation import orthogonal

Floats = npt.NDArray[np.float32]
BLOCK = 32_768
"""Vectors in a block: its products stay in the processor's cache."""
CERTAIN = 7.0
"""Margin of a product, in standard deviations of its error: one in 10^11 is further off (exp(-7²/2)), so that of 10^9
searches for the nearest 20 one misses somebody."""
WIDTHS = (128, 256, 512)
"""Numbers that one graph (scan<width>.onnx) takes of each vector: the rest is filled with zeros, or goes to another."""
GROUP = 256
"""Numbers under one scale, as MatMulNBits has them, or all where there are fewer."""
_GROUPS = 1024  # of a block; the k-th best of their best is no better than the k-th best of all
_STEP = 0.335  # of a copy, in standard deviations: the least error for 16 values of a normal distribution (Max 1960)
_PART = 1024  # vectors copied at a time, which fits into the cache
_ROUNDING = 1e-5  # of float32 sums over some hundred numbers


class _Block(NamedTuple):
    """sessions: each compares some of the numbers. centre: the vectors' mean, float32 [D]; turned: the same after the
    rotation. offsets: float32 [BLOCK], the product of the centre and what a vector differs from it by; errors: float32
    [BLOCK], how long the difference between that and its copy is; longest: the longest of them uncopied."""

    sessions: tuple[Any, ...]
    centre: Vector
    turned: Vector
    offsets: Floats
    errors: Floats
    longest: float


class Scan:
    """Four-bit copies of vectors of length 1, BLOCK at a time; those that fill no block are the caller's to compare."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._width = next((width for width in WIDTHS if width >= dimensions), WIDTHS[-1])
        self._turn: Vector | None = None
        self._blocks: list[_Block] = []

    def __len__(self) -> int:
        """How many vectors are copied: a multiple of BLOCK."""
        return BLOCK * len(self._blocks)

    def extend(self, vectors: Vector) -> None:
        """Copy what is missing of float32 [N, D], whose first rows are those copied before."""
        for start in range(len(self), len(vectors) - BLOCK + 1, BLOCK):
            if self._turn is None:
                self._turn = orthogonal(self._dimensions)
            self._blocks.append(_copied(vectors[start : start + BLOCK], self._turn, self._width))

    def cut(self, count: int) -> None:
        """Forget all but the first `count` vectors, and the rest of their last block."""
        del self._blocks[count // BLOCK :]

    @property
    def most(self) -> int:
        """The largest k for which `near` can leave anything out."""
        return _GROUPS * len(self._blocks)

    def near(self, vectors: Vector, vector: Vector, k: int) -> npt.NDArray[np.intp]:
        """The places, ascending, of all vectors that can be among the k nearest to one: those k, and some more.

        Args:
            vectors: those that were copied, float32 [N, D], to compare the most promising.
            vector: float32 [D], of length 1.
            k: 1 to `most`.
        """
        assert self._turn is not None, "nothing is copied"
        query = vector @ self._turn
        products = [self._products(block, query - block.turned) + (block.centre @ vector) for block in self._blocks]
        best = [found.reshape(-1, _GROUPS).max(axis=0) for found in products]
        promising = _places(products, np.argpartition(np.concatenate(best), -k)[-k:])
        least = float((vectors[promising] @ vector).min()) - _ROUNDING
        places = [promising]
        for number, (block, found, of) in enumerate(zip(self._blocks, products, best, strict=True)):
            slope, offset = self._margin(block, query - block.turned)
            if of.max() + slope * block.errors.max() >= least - offset:
                places.append(number * BLOCK + np.flatnonzero(found + slope * block.errors >= least - offset))
        return np.unique(np.concatenate(places))

    def _products(self, block: _Block, query: Vector) -> Floats:
        """The cosines but for that of the centre, about, for what a query differs by from the centre, turned."""
        room = np.zeros((len(block.sessions), 1, self._width), np.float32)
        room.reshape(-1)[: len(query)] = query
        found = block.offsets
        for session, some in zip(block.sessions, room, strict=True):
            found = found + session.run(None, {"query": some})[0][0]
        return found

    def _margin(self, block: _Block, query: Vector) -> tuple[np.float32, np.float32]:
        """How much less than the cosine a product may be: the first for each unit of a copy's error, and the second.

        A copy differs from what it is made of at a right angle, in a direction that the rotation makes random: a
        query's product with the difference has at most the standard deviation |query| error / √(D - 1). The kernel
        rounds the query to 8 bits, which is taken at its worst.
        """
        off = float(np.abs(query).max()) / 254 * np.sqrt(self._dimensions)
        deviations = CERTAIN / np.sqrt(max(self._dimensions - 1, 1))
        return np.float32(deviations * np.linalg.norm(query) + off), np.float32(deviations * off * block.longest)


def _places(products: list[Floats], groups: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Where the best of each of these groups is, counted through all blocks."""
    found = []
    for number, group in zip(*np.divmod(groups, _GROUPS), strict=True):
        found.append(number * BLOCK + int(products[number][group::_GROUPS].argmax()) * _GROUPS + group)
    return np.array(found, dtype=np.intp)


def _copied(vectors: Vector, turn: Vector, width: int) -> _Block:
    parts, centre = -(-vectors.shape[1] // width), vectors.mean(axis=0)
    codes = np.empty((parts, len(vectors), width // 2), np.uint8)
    scales, errors, offsets, lengths = np.empty((4, len(vectors)), np.float32)
    for start in range(0, len(vectors), _PART):
        rows = slice(start, start + _PART)
        rest = vectors[rows] - centre
        lengths[rows], offsets[rows] = np.linalg.norm(rest, axis=1), rest @ centre
        coded, scales[rows], errors[rows] = _coded(rest @ turn, lengths[rows], parts * width)
        codes[:, rows] = coded.reshape(len(coded), parts, -1).swapaxes(0, 1)
    sessions = tuple(_session(part, scales, width) for part in codes)
    return _Block(sessions, centre, centre @ turn, offsets, errors, float(lengths.max()))


def _coded(turned: Vector, lengths: Floats, room: int) -> tuple[npt.NDArray[np.uint8], Floats, Floats]:
    """Codes uint8 [N, room / 2], two numbers a byte; what one step of each vector is worth; how far each is off."""
    usual = np.maximum(lengths, _ROUNDING)[:, None] / np.float32(np.sqrt(turned.shape[1]))
    steps = np.clip(np.rint(turned / (usual * np.float32(_STEP))), -8, 7)
    # So scaled, a vector's product with its copy is that with itself: the difference stands at a right angle to it.
    own = np.einsum("nd,nd->n", turned, steps)
    scales = np.divide(lengths**2, own, out=np.zeros_like(own), where=own > 0)
    errors = np.sqrt(np.maximum(scales**2 * np.einsum("nd,nd->n", steps, steps) - lengths**2, 0))
    errors = np.where(own > 0, errors, lengths)
    whole = np.full((len(turned), room), 8, np.uint8)
    whole[:, : turned.shape[1]] = (steps + 8).astype(np.uint8)
    packed: npt.NDArray[np.uint8] = whole[:, 0::2] + 16 * whole[:, 1::2]
    return packed, scales, errors


def _session(codes: npt.NDArray[np.uint8], scales: Floats, width: int) -> Any:
    import onnxruntime  # imported where used: it costs a tenth of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would hold what was needed for rearranging the codes
    groups = max(width // GROUP, 1)
    weights = {"codes": codes.reshape(BLOCK, groups, -1), "scales": np.repeat(scales, groups)}
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value)) for value in weights.values()]
    options.add_external_initializers(list(weights), values)
    graph = Path(__file__).with_name(f"scan{width}.onnx")
    return onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
