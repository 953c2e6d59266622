"""The indexes of a gallery, one for each model, kept in step with its store."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceagent.errors import GalleryError
from faceagent.gallery.index import ExactIndex, Index
from faceagent.gallery.records import Model
from faceagent.gallery.rotation import orthogonal
from faceagent.gallery.store import ModelRow, Store

EXACT, LANCEDB = "exact", "lancedb"


class Indexes:
    """Not thread-safe: whoever uses it holds a lock.

    Args:
        place: EXACT, LANCEDB, or an address; see `Gallery.open`.
    """

    def __init__(self, store: Store, place: str) -> None:
        self._store, self._place = store, place
        self._shared = place != EXACT
        self._held: dict[int, tuple[int, Index]] = {}

    def _row(self, model: Model) -> ModelRow | None:
        rows = self._store.models()
        row = next((row for row in rows if row.model == model), None)
        if row is None and rows:
            raise GalleryError(
                f"The gallery's templates were made by {', '.join(str(row.model) for row in rows)}, and one of {model} "
                "cannot be compared with them",
                "Make them anew from the crops that were kept, with faceagent gallery reembed, or use the former model",
            )
        return row

    def current(self, model: Model, dimensions: int) -> Index | None:
        """The index of a model, brought up to date if anybody changed the gallery; None where nobody is enrolled.

        Raises:
            GalleryError: there are templates of other models only, or of another length.
        """
        with self._store.reading():
            row = self._row(model)
            if row is None:
                return None
            if row.dimensions != dimensions:
                raise GalleryError(
                    f"Templates of {model} have {row.dimensions} numbers, not {dimensions}",
                    "Use the embedder's own output",
                )
            seen, index = self._held.get(row.id, (-1, None))
            if index is not None and seen == self._store.generation():
                return index
        return self._synchronised(row)

    def _synchronised(self, row: ModelRow) -> Index:
        # An index that processes share is changed by one at a time.
        with self._store.holding() if self._shared else self._store.reading():
            index = self._made(row)
            held, stored = index.ids(), self._store.template_ids(row.id)
            index.remove(np.setdiff1d(held, stored))
            # Ids only grow, so what is missing comes after the last that was ever taken in.
            for batch in self._store.vectors(row, after=int(held[-1]) if len(held) else 0):
                lengths = np.linalg.norm(batch.vectors, axis=1, keepdims=True)
                index.add(batch.ids, batch.vectors / lengths)
            index.settle()
            self._held[row.id] = (self._store.generation(), index)
            return index

    def _made(self, row: ModelRow) -> Index:
        _, index = self._held.get(row.id, (-1, None))
        if index is not None:
            return index
        if self._place == EXACT:
            return ExactIndex(row.dimensions)
        from faceagent.gallery.lance import LanceIndex

        place = str(self._store.path.parent / "index") if self._place == LANCEDB else self._place
        return LanceIndex(place, f"{self._store.id}_{row.id}", self._store.turn(row, orthogonal))

    @property
    def elsewhere(self) -> str | None:
        """The address of an index outside of the gallery's folder."""
        return self._place if self._place not in (EXACT, LANCEDB) else None

    def refresh(self) -> None:
        """Take out what was removed: of those in memory as far as they were built, and of all on the disk."""
        with self._store.reading():
            rows = [row for row in self._store.models(former=True) if self._shared or row.id in self._held]
        for row in rows:
            self._synchronised(row)

    def traces(self, templates: npt.NDArray[np.int64]) -> list[bytes]:
        """The bytes that templates left in files of an index, read inside `writing` before they are removed."""
        rows = self._store.models(former=True) if self._shared else ()
        return [trace for row in rows for trace in self._made(row).traces(templates)]
