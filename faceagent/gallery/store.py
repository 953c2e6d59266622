"""The gallery's rows: people and their templates, each piece sealed for its place.

Readable without the key are only: how many people and templates there are and which belong together, when entries end,
names and versions of models, how long pieces are, and what kind of key it is. Everything else is sealed (`sealing`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from faceagent.errors import GalleryError
from faceagent.gallery import database, sealing
from faceagent.gallery.database import Database
from faceagent.gallery.keys import Key
from faceagent.gallery.records import Model, Template, Vector
from faceagent.gallery.sealing import Sealer, Unsealable

_BATCH = 4096  # templates decrypted at a time
_CARD = 256  # cards are padded to a multiple of this, so that their length says little about the name
Card = dict[str, JsonValue]


class ModelRow(NamedTuple):
    id: int
    model: Model
    dimensions: int


class Batch(NamedTuple):
    """Templates of one model: ids int64 [N], vectors float32 [N, D]."""

    ids: npt.NDArray[np.int64]
    vectors: Vector


class Store(Database):
    """People and templates. All methods but `rekey` are called inside `reading` or `writing`."""

    # People

    def _lookup(self, name: str) -> bytes:
        return _fingerprint(self._keys.lookup, name)

    def _person_sealer(self, person: int, wrapped: bytes) -> Sealer:
        return Sealer(self._opened(self._keys.master, wrapped, "person", person, "key"))

    def find(self, name: str) -> int | None:
        row = self._db.execute("SELECT id FROM people WHERE lookup = ?", (self._lookup(name),)).fetchone()
        return None if row is None else int(row[0])

    def ids(self) -> tuple[int, ...]:
        return tuple(int(row[0]) for row in self._db.execute("SELECT id FROM people ORDER BY id"))

    def expired(self, today: str) -> tuple[int, ...]:
        """Those whose entry ended before this day (ISO 8601)."""
        return tuple(
            int(row[0]) for row in self._db.execute("SELECT id FROM people WHERE until < ? ORDER BY id", (today,))
        )

    def add_person(self, name: str, card: Mapping[str, JsonValue], until: str | None) -> int:
        person = self._next("people")
        data_key = sealing.new_key()
        wrapped = self._keys.master.seal(data_key, self._place("person", person, "key"))
        sealed = self._sealed_card(Sealer(data_key), person, card, until)
        self._db.execute(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?)", (person, self._lookup(name), wrapped, until, sealed)
        )
        return person

    def set_card(self, person: int, card: Mapping[str, JsonValue], until: str | None) -> None:
        sealed = self._sealed_card(self._sealer(person), person, card, until)
        self._db.execute("UPDATE people SET until = ?, card = ? WHERE id = ?", (until, sealed, person))

    def card(self, person: int) -> Card | None:
        """What is known of a person; None where there is none of that id."""
        row = self._db.execute("SELECT key, until, card FROM people WHERE id = ?", (person,)).fetchone()
        if row is None:
            return None
        sealer = self._person_sealer(person, row[0])
        found: Card = json.loads(self._opened(sealer, row[2], "person", person, "card", row[1]))
        return found

    def counts(self, person: int) -> dict[Model, int]:
        """How many templates a person has, by model."""
        rows = self._db.execute(
            "SELECT m.name, m.version, count(*) FROM templates t JOIN models m ON m.id = t.model WHERE t.person = ? "
            "GROUP BY m.id ORDER BY m.id",
            (person,),
        )
        return {Model(row[0], row[1]): int(row[2]) for row in rows}

    def drop(self, person: int) -> tuple[npt.NDArray[np.int64], list[bytes]]:
        """Remove a person: the ids of the templates that went, and all that was stored, sealed (for `erasure`)."""
        rows = self._db.execute("SELECT vector, crop, facts, id FROM templates WHERE person = ?", (person,)).fetchall()
        own = self._db.execute("SELECT key, card, lookup FROM people WHERE id = ?", (person,)).fetchone()
        self._db.execute("DELETE FROM people WHERE id = ?", (person,))
        self._set_meta("scrub", 1)
        pieces = [bytes(blob) for row in (own, *(row[:3] for row in rows)) for blob in row]
        return np.array([row[3] for row in rows], dtype=np.int64), pieces

    def _sealer(self, person: int) -> Sealer:
        row = self._db.execute("SELECT key FROM people WHERE id = ?", (person,)).fetchone()
        return self._person_sealer(person, row[0])

    def seal(self, person: int, data: bytes, what: str) -> bytes:
        """Something about a person that is kept elsewhere, under the person's data key."""
        return self._sealer(person).seal(data, self._place("person", person, "elsewhere", what))

    def unseal(self, person: int, sealed: bytes, what: str, kept: bool) -> bytes:
        """What `seal` made.

        Args:
            kept: the person is enrolled.

        Raises:
            GalleryError: not so, or it was not made for this person and gallery.
        """
        try:
            if kept:
                return self._sealer(person).open(sealed, self._place("person", person, "elsewhere", what))
        except Unsealable:
            pass
        raise GalleryError(
            f"The {what} do not open with the gallery at {self.path.parent}: the person was forgotten, or they belong "
            "to another gallery",
            "Name the gallery that they were made with; what belonged to somebody forgotten is lost for good",
        )

    def _sealed_card(self, sealer: Sealer, person: int, card: Mapping[str, JsonValue], until: str | None) -> bytes:
        text = json.dumps(card).encode()
        return sealer.seal(text.ljust(-(-len(text) // _CARD) * _CARD), self._place("person", person, "card", until))

    def _next(self, table: str) -> int:
        """The id that the next row of a table gets: one more than any row ever had."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return 1 if row is None else int(row[0]) + 1

    # Templates

    def models(self, *, former: bool = False) -> tuple[ModelRow, ...]:
        """The models whose templates are here, and those whose templates were, if wanted."""
        here = "" if former else "WHERE EXISTS (SELECT 1 FROM templates WHERE model = m.id)"
        rows = self._db.execute(f"SELECT id, name, version, dimensions FROM models m {here} ORDER BY id")
        return tuple(ModelRow(int(row[0]), Model(row[1], row[2]), int(row[3])) for row in rows)

    def model(self, model: Model, dimensions: int) -> ModelRow:
        """The row of a model, made where there is none.

        Raises:
            GalleryError: its templates had another number of dimensions so far.
        """
        self._db.execute(
            "INSERT OR IGNORE INTO models (name, version, dimensions) VALUES (?, ?, ?)",
            (model.name, model.version, dimensions),
        )
        row = self._db.execute(
            "SELECT id, dimensions FROM models WHERE name = ? AND version = ?", (model.name, model.version)
        ).fetchone()
        if int(row[1]) != dimensions:
            raise GalleryError(
                f"Templates of {model} have {row[1]} numbers here, not {dimensions}",
                "Give another network another name or version",
            )
        return ModelRow(int(row[0]), model, dimensions)

    def add_templates(self, person: int, templates: Sequence[Template]) -> None:
        sealer = self._sealer(person)
        for template in templates:
            model = self.model(template.model, len(template.vector))
            number = self._next("templates")
            facts = {"photo_sha256": template.photo_sha256, "quality": dict(template.quality)}
            self._db.execute(
                "INSERT INTO templates VALUES (?, ?, ?, ?, ?, ?)",
                (
                    number,
                    person,
                    model.id,
                    sealer.seal(_stored(template.vector), self._place(*_vector(person, number, model.model))),
                    sealer.seal(template.crop, self._place("template", number, person, "crop")),
                    sealer.seal(json.dumps(facts).encode(), self._place("template", number, person, "facts")),
                ),
            )

    def templates(self, person: int) -> Iterator[tuple[int, Template]]:
        """A person's templates with their ids, oldest first."""
        sealer = self._sealer(person)
        rows = self._db.execute(
            "SELECT t.id, t.vector, t.crop, t.facts, m.name, m.version "
            "FROM templates t JOIN models m ON m.id = t.model WHERE t.person = ? ORDER BY t.id",
            (person,),
        )
        for number, vector, crop, facts, *model in rows.fetchall():
            made = Model(*model)
            known = json.loads(self._opened(sealer, facts, "template", number, person, "facts"))
            yield (
                int(number),
                Template(
                    vector=_loaded(self._opened(sealer, vector, *_vector(person, number, made))),
                    model=made,
                    crop=self._opened(sealer, crop, "template", number, person, "crop"),
                    photo_sha256=known["photo_sha256"],
                    quality=known["quality"],
                ),
            )

    def remove_templates(self, numbers: Sequence[int]) -> None:
        self._db.executemany("DELETE FROM templates WHERE id = ?", [(number,) for number in numbers])
        self._set_meta("scrub", 1)

    def template_ids(self, model: int) -> npt.NDArray[np.int64]:
        rows = self._db.execute("SELECT id FROM templates WHERE model = ? ORDER BY id", (model,)).fetchall()
        return np.array(rows, dtype=np.int64).reshape(-1)

    def owner(self, template: int) -> int | None:
        row = self._db.execute("SELECT person FROM templates WHERE id = ?", (template,)).fetchone()
        return None if row is None else int(row[0])

    def vectors(self, model: ModelRow, after: int = 0) -> Iterator[Batch]:
        """The templates of a model whose ids are larger than `after`, decrypted some thousands at a time."""
        rows = self._db.execute(
            "SELECT t.id, t.person, t.vector, p.key FROM templates t JOIN people p ON p.id = t.person "
            "WHERE t.model = ? AND t.id > ? ORDER BY t.id",
            (model.id, after),
        )
        last, sealer = 0, self._keys.master
        while chunk := rows.fetchmany(_BATCH):
            vectors = np.empty((len(chunk), model.dimensions), dtype=np.float32)
            for row, (number, person, vector, wrapped) in enumerate(chunk):
                if person != last:
                    last, sealer = person, self._person_sealer(person, wrapped)
                vectors[row] = _loaded(self._opened(sealer, vector, *_vector(person, number, model.model)))
            yield Batch(np.array([row[0] for row in chunk], dtype=np.int64), vectors)

    def turn(self, model: ModelRow, make: Callable[[int], Vector]) -> Vector:
        """The matrix that an index on the disk turns a model's templates by, made once: float32 [D, D]."""
        name, sealer = f"turn {model.id}", Sealer(sealing.derive(self.audit_key, "turn"))
        sealed = self.meta(name)
        if sealed is None:
            sealed = sealer.seal(_stored(make(model.dimensions)), self._place(name))
            self._set_meta(name, sealed)
        return _loaded(self._opened(sealer, sealed, name)).reshape(model.dimensions, model.dimensions)

    def rekey(self, key: Key) -> None:
        """Seal under a new key what the old one sealed: each person's data key, and the fingerprints of the names.

        Raises:
            GalleryError: the gallery is damaged, so that nothing was changed.
        """
        with self.writing():
            rows, fresh = database.header(key, self.id, self.audit_key)
            for person in self.ids():
                name = str((self.card(person) or {})["name"])
                row = self._db.execute("SELECT key FROM people WHERE id = ?", (person,)).fetchone()
                data_key = self._opened(self._keys.master, row[0], "person", person, "key")
                wrapped = fresh.master.seal(data_key, self._place("person", person, "key"))
                changed = (_fingerprint(fresh.lookup, name), wrapped, person)
                self._db.execute("UPDATE people SET lookup = ?, key = ? WHERE id = ?", changed)
            for meta, value in rows.items():
                self._set_meta(meta, value)
            self._set_meta("scrub", 1)
        self._keys = fresh
        self.scrub()


def _fingerprint(lookup: bytes, name: str) -> bytes:
    return sealing.fingerprint(lookup, name.casefold())


def _vector(person: int, number: int, model: Model) -> tuple[object, ...]:
    """The place of a vector. Its model belongs to it, so that it cannot pass for another's."""
    return ("template", number, person, "vector", model.name, model.version)


def _stored(vector: Vector) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()


def _loaded(stored: bytes) -> Vector:
    return np.frombuffer(stored, dtype="<f4").astype(np.float32)
