"""An approximate index in LanceDB, for galleries too large to be searched whole: on this disk or at an address.

What lies there are templates turned by an orthogonal matrix that is kept, sealed, in the gallery (a cancelable
template: Ratha et al. 2001, doi:10.1147/sj.403.0614). Angles between them stay as they are, so that the search is the
same, and so is whatever angles tell; a network that inverts templates sees noise. It is no encryption: who knows as
many templates of the gallery in the clear as they have numbers can work the matrix out. docs/security.md says so too.
"""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import Any

import numpy as np

from faceagent.errors import GalleryError, MissingExtra
from faceagent.gallery.index import Ids, Nearest
from faceagent.gallery.records import Vector

INDEXED = 20_000  # entries from which on an approximate index is made; below, every vector is compared
# Four bits of each number (RaBitQ: Gao & Long 2024, arXiv:2405.12497), and candidates compared exactly for each wanted:
# of 100,000 random directions, the hardest case, the nearest five are found with recall 0.998 (decision 21). All
# partitions, of so many entries, are looked into up to a million entries; of more, these.
_BITS, _REFINE = 4, 4
_PARTITION, _PROBES = 4096, 250
_ROWS = 50_000  # written at a time


class LanceIndex:
    """One table. All processes share it; its contents are changed under the store's write lock.

    Args:
        place: a folder, or an address that LanceDB knows (s3://…, db://…).
        table: its name.
        turn: an orthogonal matrix float32 [D, D], see `rotation.orthogonal`.

    Raises:
        MissingExtra: LanceDB is not installed.
        GalleryError: the place cannot be reached.
    """

    def __init__(self, place: str, table: str, turn: Vector) -> None:
        try:
            import lancedb
            import pyarrow as pa
        except ModuleNotFoundError:
            raise MissingExtra("A gallery searched by LanceDB", "lancedb") from None
        self._turn, self._name = turn, table
        self._table: Any = None
        self._schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32(), len(turn)))])
        try:
            self._db: Any = lancedb.connect(place)
            self._reopen()
        except (OSError, ValueError, RuntimeError) as error:
            raise GalleryError(f"The index at {place} cannot be opened ({error})", "Check the address") from error

    def ids(self) -> Ids:
        self._reopen()
        held = self._table.search().select(["id"]).limit(None).to_arrow()["id"].to_numpy()
        return np.sort(held.astype(np.int64))

    def add(self, ids: Ids, vectors: Vector) -> None:
        import pyarrow as pa

        for start in range(0, len(ids), _ROWS):
            some = (vectors[start : start + _ROWS] @ self._turn).astype(np.float32)
            flat = pa.FixedSizeListArray.from_arrays(pa.array(some.reshape(-1)), len(self._turn))
            self._table.add(pa.table([pa.array(ids[start : start + _ROWS]), flat], schema=self._schema))

    def settle(self) -> None:
        held = self._table.count_rows()
        if held < INDEXED:
            return
        made = {index.name: index for index in self._table.list_indices()}
        if "vector_idx" in made:
            missing = self._table.index_stats("vector_idx").num_unindexed_rows
            if missing < held / 10:
                return
        self._table.create_index("vector", config=quantised(held), replace=True)
        self._clean()

    def remove(self, ids: Ids) -> None:
        # LanceDB keeps the bytes of deleted rows until a tenth of a file is deleted: so the table is written anew.
        if not len(ids):
            return
        import pyarrow.compute as pc

        rows = self._table.to_arrow()
        kept = rows.filter(pc.invert(pc.is_in(rows["id"], value_set=_array(ids))))
        self._db.drop_table(self._name)
        self._table = self._db.create_table(self._name, data=kept, schema=self._schema)
        self._clean()

    def search(self, vector: Vector, k: int) -> Nearest:
        turned = (vector @ self._turn).astype(np.float32)
        try:
            found = self._nearest(turned, k)
        except (RuntimeError, ValueError):
            # Another process has just written the table anew (see `remove`).
            self._reopen()
            found = self._nearest(turned, k)
        similarities = 1 - found["_distance"].to_numpy().astype(np.float32)
        return Nearest(found["id"].to_numpy().astype(np.int64), similarities)

    def traces(self, ids: Ids) -> list[bytes]:
        if not len(ids):
            return []
        wanted = f"id IN ({', '.join(map(str, ids))})"
        rows = self._table.search().where(wanted).select(["vector"]).limit(None).to_arrow()["vector"]
        return [np.asarray(row, dtype="<f4").tobytes() for row in rows.to_pylist()]

    def _nearest(self, turned: Vector, k: int) -> Any:
        query = self._table.search(turned, vector_column_name="vector").distance_type("cosine").limit(k)
        return asked(query).to_arrow()

    def _reopen(self) -> None:
        self._table = self._db.create_table(self._name, schema=self._schema, exist_ok=True)

    def _clean(self) -> None:
        # It warns that readers of older versions fail; `search` is ready for that.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self._table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)


def quantised(entries: int) -> Any:
    """LanceDB's approximate index as this one has it made."""
    from lancedb.index import IvfRq

    return IvfRq(distance_type="cosine", num_partitions=max(1, entries // _PARTITION), num_bits=_BITS)


def asked(query: Any) -> Any:
    """A LanceDB query that looks as far as this index does."""
    return query.nprobes(_PROBES).refine_factor(_REFINE)


def _array(ids: Ids) -> Any:
    import pyarrow as pa

    return pa.array(ids)
