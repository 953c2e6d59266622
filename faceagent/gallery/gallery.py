"""The gallery: enrol, list, search, forget, verify."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from faceagent.audit import AuditLog
from faceagent.errors import GalleryError, MediaError, UsageError
from faceagent.gallery import cards, erasure
from faceagent.gallery.index import Index
from faceagent.gallery.indexes import EXACT, Indexes
from faceagent.gallery.keys import Key
from faceagent.gallery.records import (
    Consent,
    Enrolment,
    Forgotten,
    Hit,
    Model,
    Person,
    Reembedded,
    Template,
    direction,
    proper_name,
)
from faceagent.gallery.store import Store

AUDIT = "audit.jsonl"
_SLACK = 4  # templates looked at for each person wanted, at first: several may be one person's


class Gallery:
    """The people enrolled in one folder, their templates and crops encrypted. Thread-safe; several processes may have
    the same folder open. Everything that happens to entries stands in its audit log.
    """

    def __init__(self, folder: Path, store: Store, today: Callable[[], date], index: str = EXACT) -> None:
        self.folder, self._store, self._today = folder, store, today
        self.audit = AuditLog(folder / AUDIT, store.audit_key)
        self._lock = threading.RLock()
        self._indexes = Indexes(store, index)
        self._names: dict[int, str] = {}
        self._known: tuple[int, dict[int, Person | None]] = (-1, {})

    @staticmethod
    def open(
        folder: str | Path,
        key: Key,
        *,
        create: bool = False,
        index: str = EXACT,
        today: Callable[[], date] = date.today,
    ) -> Gallery:
        """Open a gallery; entries past their retention date are removed.

        Args:
            folder: on a disk of this machine (SQLite's log does not work over a network).
            create: make the gallery where there is none.
            index: "exact": every template is compared, in memory; "lancedb": an approximate index in the same folder,
                for galleries beyond some 100,000 templates; or an address that LanceDB knows (s3://…, db://…), which
                then holds turned templates (see `faceagent.gallery.lance`).
            today: the present day; retention dates are held against it.

        Raises:
            GalleryError: there is no gallery, it is damaged, or the key is another one. Nothing is changed then.
            MissingExtra: LanceDB is wanted and not installed.
        """
        gallery = Gallery(Path(folder), Store.open(Path(folder), key, create=create), today, index)
        try:
            gallery._deliver()
            gallery.purge()
        except BaseException:
            gallery.close()
            raise
        return gallery

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Enrolling

    def enroll(self, name: str, templates: Sequence[Template], consent: Consent, *, protected: bool = False) -> Person:
        """Add a person, or templates to a person enrolled before, all or none of them.

        The consent given last is the one that holds. Who was protected stays so.

        Raises:
            UsageError: no templates, no proper name, or consent that has ended.
            GalleryError: the gallery cannot be written, or a model's vectors have another length than before.
        """
        with self._store.writing():
            enrolled = self._person(self._enroll(Enrolment(name, templates, consent, protected)))
        self._deliver()
        assert enrolled is not None
        return enrolled

    def enroll_many(self, people: Iterable[Enrolment], *, together: int = 1000) -> int:
        """Enrol a stream of people, some at a time all or none of them.

        Args:
            together: how many are written at once. After an error those of earlier rounds stay enrolled.

        Returns:
            How many were enrolled.

        Raises:
            UsageError, GalleryError: as `enroll`.
        """
        coming, done = iter(people), 0
        while some := tuple(itertools.islice(coming, together)):
            with self._store.writing():
                for one in some:
                    self._enroll(one)
            self._deliver()
            done += len(some)
        return done

    def _enroll(self, one: Enrolment) -> int:
        name, consent = proper_name(one.name), one.consent
        if not one.templates:
            raise UsageError(f"There is no template of {name!r} to enrol", "Enrol with at least one photo")
        if not self._kept(consent.until):
            raise UsageError(f"The consent of “{name}” ended on {consent.until}", "Ask for it again")
        until = None if consent.until is None else consent.until.isoformat()
        person = self._store.find(name)
        known = None if person is None else self._store.card(person)
        card = cards.written(name, consent, one.protected, known, self._today())
        if person is None:
            person = self._store.add_person(name, card, until)
        else:
            self._store.set_card(person, card, until)
        self._store.add_templates(person, one.templates)
        self._store.post("enrolled", person=person, templates=len(one.templates), consent=cards.noted(consent))
        return person

    def reembed(self, name: str, model: Model, embed: Callable[[bytes], npt.ArrayLike]) -> Reembedded:
        """Make a person's templates anew with another model, from the crops that were kept.

        Args:
            embed: the vector of a crop (PNG of an aligned face); raises MediaError where the crop cannot be used.

        Raises:
            GalleryError: nobody has that name, or what `enroll` raises.
        """
        with self._store.reading():
            person = self._found(name)
        try:
            found = self._reembedded(person, model, embed)
        finally:
            self._settled()
        if found is None:
            raise _nobody(name)
        return found

    def reembed_all(self, model: Model, embed: Callable[[bytes], npt.ArrayLike]) -> Iterator[Reembedded]:
        """The same for everybody, one person after the other: what is done stays done, whatever stops it, and called
        again it goes on with the rest.

        Raises:
            GalleryError: as `reembed`.
        """
        with self._store.reading():
            people = self._store.ids()
        try:
            for person in people:
                found = self._reembedded(person, model, embed)
                if found is not None:
                    yield found
        finally:
            self._settled()

    def _reembedded(self, person: int, model: Model, embed: Callable[[bytes], npt.ArrayLike]) -> Reembedded | None:
        """None where the person was forgotten meanwhile."""
        with self._store.reading():
            card = self._store.card(person)
            rows = [] if card is None else list(self._store.templates(person))
        old = {number: one for number, one in rows if one.model != model}
        # Outside of `writing`: the network may take long, and others want to write.
        fresh = {number: made for number, one in old.items() if (made := _made_anew(one, model, embed)) is not None}
        with self._store.writing():
            card = self._store.card(person)
            if card is None:
                return None
            still = {number for number, _ in self._store.templates(person)}
            done = [number for number in fresh if number in still]
            if done:
                self._store.remove_templates(done)
                self._store.add_templates(person, [fresh[number] for number in done])
                self._store.post("re-enrolled", person=person, templates=len(done), model=str(model))
        return Reembedded(str(card["name"]), len(done), len(rows) - len(old), len(old) - len(fresh))

    def _settled(self) -> None:
        """After templates were removed: out of the indexes and the file, and into the audit log."""
        with self._lock:
            self._indexes.refresh()
        self._store.scrub()
        self._deliver()

    # Reading

    def people(self) -> list[Person]:
        """Everybody enrolled, in the order of enrolment."""
        with self._store.reading():
            found = (self._person(person) for person in self._store.ids())
            return [person for person in found if person is not None and self._kept(person.consent.until)]

    def person(self, name: str) -> Person | None:
        """The person of this name (capitals do not matter), if enrolled."""
        with self._store.reading():
            number = self._store.find(proper_name(name))
            return None if number is None else self._person(number)

    def templates(self, name: str) -> list[Template]:
        """A person's templates, oldest first.

        Raises:
            GalleryError: nobody has that name.
        """
        with self._store.reading():
            return [template for _, template in self._store.templates(self._found(name))]

    def models(self) -> dict[Model, int]:
        """The models whose templates are here, with how many each made."""
        with self._store.reading():
            return {row.model: len(self._store.template_ids(row.id)) for row in self._store.models()}

    def __len__(self) -> int:
        """How many people are enrolled."""
        with self._store.reading():
            return len(self._store.ids())

    def search(self, vector: npt.ArrayLike, model: Model, k: int = 5, *, purpose: str | None = None) -> list[Hit]:
        """The people whom a face resembles most, best first, each once.

        Args:
            vector: float32 [D], of any length, made by `model`.
            k: at most so many people.
            purpose: consider only those who consented to this purpose; None considers all.

        Returns:
            Fewer than k where the gallery has fewer; nothing where it is empty.

        Raises:
            UsageError: the vector or k cannot be used.
            GalleryError: the gallery has templates of other models only, or of another length.
        """
        unit = direction(vector)
        if k < 1:
            raise UsageError(f"{k} people cannot be looked for", "Ask for at least one")
        with self._lock:
            index = self._indexes.current(model, len(unit))
            if index is None:
                return []
            with self._store.reading():
                return self._search(index, unit, k, purpose)

    def _search(self, index: Index, unit: npt.NDArray[np.float32], k: int, purpose: str | None) -> list[Hit]:
        wanted = _SLACK * k
        while True:
            nearest = index.search(unit, wanted)
            hits: dict[int, Hit] = {}
            for number, similarity in zip(nearest.ids, nearest.similarities, strict=True):
                person = self._store.owner(int(number))
                if person not in hits and (found := self._allowed(person, purpose)):
                    hits[found.id] = Hit(
                        found.id, found.name, min(float(similarity), 1.0), found.consent.purpose, found.protected
                    )
                if len(hits) == k:
                    return list(hits.values())
            if len(nearest.ids) < wanted:
                return list(hits.values())
            wanted *= _SLACK

    def _allowed(self, person: int | None, purpose: str | None) -> Person | None:
        """The person, unless consent has ended or was given for another purpose."""
        generation = self._store.generation()
        if self._known[0] != generation:
            self._known = (generation, {})
        known = self._known[1]
        if person is None:
            return None
        if person not in known:
            known[person] = self._person(person)
        found = known[person]
        if found is None or not self._kept(found.consent.until) or purpose not in (None, found.consent.purpose):
            return None
        return found

    # What is kept elsewhere

    def seal(self, name: str, data: bytes, what: str) -> tuple[int, bytes]:
        """The person's number, and `data` under the person's data key: it opens for the same `what` (a word for it),
        and nowhere any more once the person is forgotten. GalleryError: nobody has that name."""
        with self._store.writing():
            person = self._found(name)
            sealed = self._store.seal(person, data, what)
            self._store.post("sealed", person=person, what=what)
        self._deliver()
        return person, sealed

    def unseal(self, person: int, sealed: bytes, what: str) -> bytes:
        """What `seal` made. GalleryError: the person was forgotten, consent has ended, or it is another gallery's."""
        with self._store.reading():
            known = self._person(person)
            return self._store.unseal(person, sealed, what, known is not None and self._kept(known.consent.until))

    # Forgetting

    def forget(self, name: str) -> Forgotten:
        """Remove everything about a person from all files of the gallery, and look whether anything is left.

        With the person's data key everything is gone that was encrypted with it, in copies of the folder too, unless
        they hold that key. Other processes drop the person at their next search.

        Raises:
            GalleryError: nobody has that name, or a file cannot be read.
        """
        with self._store.reading():
            person = self._found(name)
        forgotten = self._remove([person], "forgotten")
        if not forgotten:
            raise _nobody(name)
        return forgotten[0]

    def purge(self, today: date | None = None) -> list[Forgotten]:
        """Remove everybody whose retention date lies before a day (default: the present one)."""
        with self._store.reading():
            expired = self._store.expired((today or self._today()).isoformat())
        return self._remove(expired, "purged") if expired else []

    def _remove(self, people: Sequence[int], event: str) -> list[Forgotten]:
        removed: list[tuple[int, str, int, list[bytes]]] = []
        with self._lock, self._store.writing():
            for person in people:
                card = self._store.card(person)
                if card is None:  # another process was faster
                    continue
                self._names[person] = str(card["name"])
                templates, blobs = self._store.drop(person)
                blobs += self._indexes.traces(templates)
                removed.append((person, self._names[person], len(templates), blobs))
                self._store.post(event, person=person, templates=len(templates))
        self._settled()
        return [self._proof(*one) for one in removed]

    def _proof(self, person: int, name: str, templates: int, blobs: list[bytes]) -> Forgotten:
        place = self._indexes.elsewhere
        here = Path(place) if place is not None and Path(place).is_dir() else None
        try:
            searched, remaining = erasure.remaining(self.folder, blobs, here)
        except OSError as error:
            raise GalleryError(
                f"{name!r} was removed, but {error.filename} could not be searched for remains ({error.strerror})",
                "Run faceagent gallery verify",
            ) from error
        return Forgotten(
            person, name, templates, len(blobs), searched, remaining, unsearched=None if here is not None else place
        )

    # The key, names in the audit log, and whether all is well

    def rekey(self, key: Key) -> None:
        """Change the key: every person's data key is sealed anew, so that the old key opens nothing any more.

        Other processes have to open the gallery again.

        Raises:
            GalleryError: the gallery is damaged or cannot be written; then the old key holds.
        """
        self._store.rekey(key)
        self.audit.append("rekeyed", {"kind of key": key.kind})

    def pseudonyms(self) -> Mapping[str, str]:
        """What the audit log calls people, by name: those enrolled, and those forgotten since it was opened."""
        with self._lock, self._store.reading():
            for person in self._store.ids():
                if person not in self._names:
                    self._names[person] = str((self._store.card(person) or {})["name"])
            return {name: f"person {person}" for person, name in self._names.items()}

    def verify(self) -> list[str]:
        """What is wrong with the gallery, in sentences; nothing where every piece opens and every file is sound."""
        faults: list[str] = []
        with self._store.reading():
            faults.extend(self._store.damage())
            for person in self._store.ids():
                try:
                    self._person(person)
                    templates = sum(1 for _ in self._store.templates(person))
                    if templates == 0:
                        faults.append(f"person {person} has no template")
                except (GalleryError, UsageError, ValueError, KeyError) as error:
                    faults.append(str(error))
            if self._store.meta("scrub"):
                faults.append(
                    "something that was removed may still be in the file: close the gallery everywhere, then open it"
                )
        return [*faults, *self.audit.verify().faults]

    def _deliver(self) -> None:
        self._store.deliver(self.audit.extend)

    def _found(self, name: str) -> int:
        person = self._store.find(proper_name(name))
        if person is None:
            raise _nobody(name)
        return person

    def _kept(self, until: date | None) -> bool:
        return until is None or until >= self._today()

    def _person(self, person: int) -> Person | None:
        card = self._store.card(person)
        return None if card is None else cards.read(person, card, self._store.counts(person))


def _made_anew(one: Template, model: Model, embed: Callable[[bytes], npt.ArrayLike]) -> Template | None:
    """None where no crop was kept, or none that can be used."""
    if not one.crop:
        return None
    try:
        vector = np.asarray(embed(one.crop), dtype=np.float32)
    except MediaError:
        return None
    return Template(vector, model, one.crop, one.photo_sha256, one.quality)


def _nobody(name: str) -> GalleryError:
    return GalleryError(f"Nobody called “{name}” is enrolled", "See who is: faceagent gallery list")
