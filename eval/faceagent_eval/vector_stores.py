"""Stores of vectors that could hold a gallery, behind one interface, so that the same work measures each.

`insert` returns when the store says that the vectors are safe. None of these packages is needed by the product except
as docs/decisions/0021 says.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from faceagent.gallery import Consent, Enrolment, Gallery, Key, Model, Template, lance
from faceagent.gallery.index import ExactIndex

Vectors = npt.NDArray[np.float32]
GROUPS = 10  # values of the field that the filter looks at


class VectorStore(ABC):
    """Vectors of length 1 under the ids 0, 1, 2 …; a vector's group is its id modulo GROUPS.

    packages: what is installed for it. approximate: it has an index that may miss. kept: it is in files.
    """

    packages: ClassVar[tuple[str, ...]]
    approximate: ClassVar[bool] = True
    kept: ClassVar[bool] = True

    def __init__(self, folder: Path, dimensions: int) -> None:
        self.folder, self.dimensions = folder, dimensions

    @abstractmethod
    def insert(self, ids: Sequence[int], vectors: Vectors) -> None: ...

    def build(self) -> None:  # noqa: B027 - not every store has one
        """Make the approximate index."""

    @abstractmethod
    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]: ...

    @abstractmethod
    def delete(self, ids: Sequence[int]) -> None:
        """Delete and do whatever the store offers to have the bytes gone from its files."""

    @abstractmethod
    def count(self) -> int: ...

    def close(self) -> None:  # noqa: B027 - not every store has to
        """Let go of the files."""


class Lance(VectorStore):
    packages = ("lancedb", "pyarrow")

    def __init__(self, folder: Path, dimensions: int) -> None:
        import lancedb
        import pyarrow as pa

        super().__init__(folder, dimensions)
        self._schema = pa.schema(
            [("id", pa.int64()), ("part", pa.int64()), ("vector", pa.list_(pa.float32(), dimensions))]
        )
        self._table: Any = lancedb.connect(str(folder)).create_table("v", schema=self._schema, exist_ok=True)

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        import pyarrow as pa

        flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), self.dimensions)
        parts = [number % GROUPS for number in ids]
        self._table.add(pa.table([pa.array(ids), pa.array(parts), flat], schema=self._schema))

    def build(self) -> None:
        self._table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
        self._table.create_index("vector", config=lance.quantised(self._table.count_rows()))

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        query = (
            self._table.search(vector, vector_column_name="vector")
            .distance_type("cosine")
            .limit(k)
            .select(["id", "_distance"])
        )
        query = query.bypass_vector_index() if exact else lance.asked(query)
        if group is not None:
            query = query.where(f"part = {group}", prefilter=True)
        found: list[int] = query.to_arrow()["id"].to_pylist()
        return found

    def delete(self, ids: Sequence[int]) -> None:
        self._table.delete(f"id IN ({', '.join(map(str, ids))})")
        self._table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)

    def count(self) -> int:
        self._table.checkout_latest()
        return int(self._table.count_rows())


class Milvus(VectorStore):
    packages = ("pymilvus", "milvus-lite")

    def __init__(self, folder: Path, dimensions: int) -> None:
        from pymilvus import DataType, MilvusClient

        super().__init__(folder, dimensions)
        folder.mkdir(parents=True, exist_ok=True)
        self._client: Any = MilvusClient(str(folder / "v.db"))
        if self._client.has_collection("v"):
            self._client.load_collection("v")
            return
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("part", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
        self._client.create_collection("v", schema=schema)

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        for start in range(0, len(ids), 5000):  # it refuses larger messages
            some = ids[start : start + 5000]
            rows = [
                {"id": number, "part": number % GROUPS, "vector": vector}
                for number, vector in zip(some, vectors[start : start + 5000], strict=True)
            ]
            self._client.insert("v", rows)
        self._client.flush("v")

    def build(self) -> None:
        parameters = self._client.prepare_index_params()
        chosen = {"M": 16, "efConstruction": 100}
        parameters.add_index("vector", index_type="HNSW", metric_type="COSINE", params=chosen)
        self._client.create_index("v", parameters)
        self._client.load_collection("v")

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        found = self._client.search(
            "v", [vector], limit=k, filter="" if group is None else f"part == {group}", search_params={"ef": 100}
        )
        return [int(hit["id"]) for hit in found[0]]

    def delete(self, ids: Sequence[int]) -> None:
        self._client.delete("v", ids=list(ids))
        self._client.flush("v")
        self._client.compact("v")

    def count(self) -> int:
        return int(self._client.query("v", filter="", output_fields=["count(*)"])[0]["count(*)"])

    def close(self) -> None:
        self._client.close()


class Qdrant(VectorStore):
    """Its local mode, which compares every vector in Python; the server is another program."""

    packages = ("qdrant-client",)
    approximate = False

    def __init__(self, folder: Path, dimensions: int) -> None:
        from qdrant_client import QdrantClient
        from qdrant_client.models import Distance, VectorParams

        super().__init__(folder, dimensions)
        self._client = QdrantClient(path=str(folder))
        if not self._client.collection_exists("v"):
            self._client.create_collection("v", VectorParams(size=dimensions, distance=Distance.COSINE))

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        from qdrant_client.models import Batch

        payloads = [{"part": number % GROUPS} for number in ids]
        self._client.upsert("v", Batch(ids=list(ids), vectors=vectors.tolist(), payloads=payloads))

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        from qdrant_client.models import FieldCondition, Filter, MatchValue

        only = group is not None and Filter(must=[FieldCondition(key="part", match=MatchValue(value=group))])
        found = self._client.query_points("v", query=vector, limit=k, query_filter=only or None)
        return [int(point.id) for point in found.points]

    def delete(self, ids: Sequence[int]) -> None:
        from qdrant_client.models import PointIdsList

        self._client.delete("v", PointIdsList(points=list(ids)))

    def count(self) -> int:
        return int(self._client.count("v").count)

    def close(self) -> None:
        self._client.close()


class Faiss(VectorStore):
    """A library and no database: the file is written whole."""

    packages = ("faiss-cpu",)

    def __init__(self, folder: Path, dimensions: int) -> None:
        import faiss

        super().__init__(folder, dimensions)
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "v.faiss"
        self._flat: Any = (
            faiss.read_index(str(self._file))
            if self._file.exists()
            else faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))
        )
        self._graph: Any = None

    def _write(self) -> None:
        import faiss

        faiss.write_index(self._flat, str(self._file))

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        self._flat.add_with_ids(vectors, np.asarray(ids))
        self._write()

    def build(self) -> None:
        import faiss

        self._graph = faiss.IndexHNSWFlat(self.dimensions, 16, faiss.METRIC_INNER_PRODUCT)
        self._graph.hnsw.efConstruction, self._graph.hnsw.efSearch = 100, 100
        self._graph.add(self._flat.index.reconstruct_n(0, self._flat.ntotal))

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        import faiss

        if group is None:
            return [int(number) for number in (self._flat if exact else self._graph).search(vector[None], k)[1][0]]
        only = faiss.IDSelectorBatch(np.arange(group, self._flat.ntotal, GROUPS))
        found = self._flat.search(vector[None], k, params=faiss.SearchParameters(sel=only))
        return [int(number) for number in found[1][0]]

    def delete(self, ids: Sequence[int]) -> None:
        self._flat.remove_ids(np.asarray(ids))
        self._write()

    def count(self) -> int:
        return int(self._flat.ntotal)


class FaissEightBit(VectorStore):
    """8-bit copies compared by FAISS and the best of them exactly, in memory: as `faceagent.gallery.scan`, but without
    its bound."""

    packages, approximate, kept = ("faiss-cpu",), False, False

    def __init__(self, folder: Path, dimensions: int) -> None:
        import faiss

        super().__init__(folder, dimensions)
        eight = faiss.ScalarQuantizer.QT_8bit_uniform
        self._copies: Any = faiss.IndexScalarQuantizer(dimensions, eight, faiss.METRIC_INNER_PRODUCT)
        self._index: Any = faiss.IndexRefineFlat(self._copies)
        self._index.k_factor = 10

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        if not self._index.is_trained:
            self._index.train(vectors)
        self._index.add(vectors)

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        wanted = 4 * k * (1 if group is None else GROUPS)  # as `InMemory`
        found: list[int] = self._index.search(vector[None], wanted)[1][0].tolist()
        return [number for number in found if group in (None, number % GROUPS)][:k]

    def delete(self, ids: Sequence[int]) -> None:
        for part in (self._copies, self._index.refine_index):
            part.remove_ids(np.asarray(ids))

    def count(self) -> int:
        return int(self._copies.ntotal)


class SqliteVec(VectorStore):
    packages = ("sqlite-vec", "apsw")
    approximate = False

    def __init__(self, folder: Path, dimensions: int) -> None:
        import apsw
        import sqlite_vec

        super().__init__(folder, dimensions)
        folder.mkdir(parents=True, exist_ok=True)
        self._db: Any = apsw.Connection(str(folder / "v.db"))
        self._db.set_busy_timeout(5000)
        self._db.enable_load_extension(True)
        self._db.load_extension(sqlite_vec.loadable_path())
        self._db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
        self._db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS v USING vec0"
            f"(id INTEGER PRIMARY KEY, part INTEGER, vector FLOAT[{dimensions}] distance_metric=cosine)"
        )

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        rows = ((number, number % GROUPS, row.tobytes()) for number, row in zip(ids, vectors, strict=True))
        with self._db:
            self._db.executemany("INSERT INTO v VALUES (?, ?, ?)", rows)

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        only = "" if group is None else f" AND part = {group}"
        found = self._db.execute(f"SELECT id FROM v WHERE vector MATCH ? AND k = {k}{only}", (vector.tobytes(),))
        return [int(row[0]) for row in found]

    def delete(self, ids: Sequence[int]) -> None:
        self._db.executemany("DELETE FROM v WHERE id = ?", [(number,) for number in ids])
        self._db.execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")

    def count(self) -> int:
        return int(next(self._db.execute("SELECT count(*) FROM v"))[0])

    def close(self) -> None:
        self._db.close()


class Product(VectorStore):
    """faceagent's own gallery with its exact index: a person for each vector, everything encrypted."""

    packages = ()
    approximate = False

    def __init__(self, folder: Path, dimensions: int) -> None:
        super().__init__(folder, dimensions)
        folder.mkdir(parents=True, exist_ok=True)
        key = Key.of_file(folder.with_suffix(".key"), create=True)
        self._gallery = Gallery.open(folder, key, create=True)
        self._model = Model("synthetic", "1")

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        day = date.today()
        people = (
            Enrolment(
                str(number),
                [Template(vector, self._model, b"", "0" * 64)],
                Consent(str(number % GROUPS), day, statement="synthetic"),
            )
            for number, vector in zip(ids, vectors, strict=True)
        )
        self._gallery.enroll_many(people, together=5000)

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        purpose = None if group is None else str(group)
        return [int(hit.name) for hit in self._gallery.search(vector, self._model, k, purpose=purpose)]

    def delete(self, ids: Sequence[int]) -> None:
        for number in ids:
            self._gallery.forget(str(number))

    def count(self) -> int:
        return len(self._gallery)

    def close(self) -> None:
        self._gallery.close()


class InMemory(VectorStore):
    """The exact index of faceagent's gallery alone, in memory: a million need not be enrolled to be searched."""

    packages, approximate, kept = (), False, False

    def __init__(self, folder: Path, dimensions: int) -> None:
        super().__init__(folder, dimensions)
        self._index = ExactIndex(dimensions)

    def insert(self, ids: Sequence[int], vectors: Vectors) -> None:
        self._index.add(np.asarray(ids, dtype=np.int64), vectors)
        self._index.settle()

    def search(self, vector: Vectors, k: int, *, exact: bool, group: int | None = None) -> list[int]:
        wanted = 4 * k * (1 if group is None else GROUPS)  # as the gallery asks: more than k may have to be passed over
        found: list[int] = self._index.search(vector, wanted).ids.tolist()
        return [number for number in found if group in (None, number % GROUPS)][:k]

    def delete(self, ids: Sequence[int]) -> None:
        self._index.remove(np.asarray(ids, dtype=np.int64))
        self._index.settle()

    def count(self) -> int:
        return len(self._index.ids())


STORES: dict[str, type[VectorStore]] = {
    "exact": Product,
    "exact-index": InMemory,
    "lancedb": Lance,
    "milvus-lite": Milvus,
    "qdrant-local": Qdrant,
    "faiss": Faiss,
    "faiss-8bit": FaissEightBit,
    "sqlite-vec": SqliteVec,
}


def megabytes(packages: Sequence[str]) -> float | None:
    """What these packages and theirs take on the disk beyond what faceagent needs anyway; None where one is missing."""
    own, beyond = _needed("faceagent"), set[str]()
    try:
        for package in packages:
            distribution(package)
            beyond |= _needed(package) - own
    except PackageNotFoundError:
        return None
    return sum(_bytes(package) for package in beyond) / 1e6


def _needed(package: str) -> set[str]:
    """A package and everything that it requires, as far as that is installed."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            requirements = distribution(name).requires or ()
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [re.split(r"[\s<>=!~;\[(]", line, maxsplit=1)[0] for line in requirements if "extra ==" not in line]
    return found


def _bytes(package: str) -> int:
    files = (Path(str(file.locate())) for file in distribution(package).files or ())
    return sum(file.stat().st_size for file in files if file.is_file())
