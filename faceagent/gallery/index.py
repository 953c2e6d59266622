"""Who is near: templates of one model, searched by the cosine of the angle between them.

An index is filled from the sealed store and can be thrown away at any time. `ExactIndex` lives in memory alone;
`lance.LanceIndex` is for more people than fit there, or than can all be compared in time.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from faceagent.gallery.records import Vector
from faceagent.gallery.scan import Scan

Ids = npt.NDArray[np.int64]
_WORTH_PICKING = 0.1  # share of vectors up to which picking them out takes less time than comparing all


class Nearest(NamedTuple):
    """Best first: ids int64 [K], similarities float32 [K] (cosine, -1 to 1)."""

    ids: Ids
    similarities: npt.NDArray[np.float32]


class Index(Protocol):
    """Vectors of length 1 under ids."""

    def ids(self) -> Ids:
        """Those it holds, ascending."""

    def add(self, ids: Ids, vectors: Vector) -> None:
        """Take in ids [N], none of them held yet, with vectors float32 [N, D]."""

    def remove(self, ids: Ids) -> None:
        """Remove these, so that no copy of their vectors is left. Those that it does not hold are passed over."""

    def settle(self) -> None:
        """Make ready for searching, after all that had to be added and removed."""

    def search(self, vector: Vector, k: int) -> Nearest:
        """The k nearest to a vector of length 1 [D], or all where there are fewer."""

    def traces(self, ids: Ids) -> list[bytes]:
        """The bytes that these vectors left in files, to look for after they were removed."""


class ExactIndex:
    """The nearest: all vectors are compared but those that a look at shorter copies rules out. One search in 10^9 may
    miss somebody (see `scan.CERTAIN`)."""

    def __init__(self, dimensions: int) -> None:
        self._ids: Ids = np.empty(0, dtype=np.int64)
        self._room: Vector = np.empty((0, dimensions), dtype=np.float32)
        self._scan = Scan(dimensions)

    def ids(self) -> Ids:
        return np.sort(self._ids)

    def add(self, ids: Ids, vectors: Vector) -> None:
        held = len(self._ids)
        if held + len(ids) > len(self._room):
            grown = np.empty((max(2 * held, held + len(ids)), self._room.shape[1]), dtype=np.float32)
            grown[:held] = self._room[:held]
            self._room = grown
        self._room[held : held + len(ids)] = vectors
        self._ids = np.concatenate([self._ids, ids])

    def remove(self, ids: Ids) -> None:
        kept = ~np.isin(self._ids, ids)
        if not kept.all():
            self._scan.cut(int(np.argmin(kept)))
        self._room = self._room[: len(self._ids)][kept]
        self._ids = self._ids[kept]

    def settle(self) -> None:
        self._scan.extend(self._room[: len(self._ids)])

    def traces(self, ids: Ids) -> list[bytes]:
        return []

    def search(self, vector: Vector, k: int) -> Nearest:
        places, similarities = self._compared(vector, k)
        if k < len(similarities):
            best = np.argpartition(similarities, -k)[-k:]
        else:
            best = np.arange(len(similarities))
        ids = self._ids[places[best]]
        # Ties in the order of enrolment, so that the same question gets the same answer.
        order = np.lexsort((ids, -similarities[best]))
        return Nearest(ids[order], similarities[best][order])

    def _compared(self, vector: Vector, k: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Places of vectors, the k nearest among them, and their similarities."""
        held, scanned = len(self._ids), len(self._scan)
        if k <= self._scan.most:
            near = self._scan.near(self._room[:scanned], vector, k)
            if len(near) <= scanned * _WORTH_PICKING:
                similarities = [self._room[near] @ vector, self._room[scanned:held] @ vector]
                return np.concatenate([near, np.arange(scanned, held)]), np.concatenate(similarities)
        return np.arange(held), self._room[:held] @ vector
