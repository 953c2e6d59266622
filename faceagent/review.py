"""Active labelling: the unknown faces of some photos, grouped by person, and whose name is the most useful to know now.

>>> from faceagent.tool import Toolbox
>>> review = Review(Toolbox.installed(), gallery, purpose="personal")  # doctest: +SKIP
>>> failures = [review.look(path) for path in expand(["holiday"])]  # doctest: +SKIP
>>> first = review.groups()[0]  # doctest: +SKIP
>>> review.name(first, "Ada Lovelace", Consent("personal", date.today(), statement="…"))  # doctest: +SKIP

All of it is in memory and gone with the `Review`; only who is named with consent enters the gallery. Seeing, grouping
and recognising are the work of whoever enrols: a tool enroll_person that is a `Grouper` too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from faceagent.called import called
from faceagent.errors import FaceAgentError, MediaError, UsageError
from faceagent.gallery import Consent, Gallery
from faceagent.gallery.records import Vector
from faceagent.media import Limits, Photo
from faceagent.session import Session
from faceagent.tool import DETECTOR, Outcome, Toolbox
from faceagent.types import Face, Failure

ENROLS = "enroll_person"
MOST_FACES = 5000
"""Faces that are compared with each other; what that takes grows with the square."""
MOST_ENROLLED = 10
"""Photos of one group that are enrolled, the most typical first."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A face as it is grouped. vector: float32 [D]; crop: PNG; fault: why it is not good enough to be enrolled; minor:
    whether it looks like a child's."""

    vector: Vector
    crop: bytes
    fault: str | None
    minor: bool = False


class Known(NamedTuple):
    """Who of the gallery a face shows. name: the first candidate; settled: whether that is certain enough to name."""

    name: str
    probability: float
    settled: bool


class Weight(NamedTuple):
    """What a group's name is worth. members: places of the faces, the most typical first; certain: for each the
    probability that it shows the same person as the first; settles: doubtful faces of other groups nearest to it."""

    members: tuple[int, ...]
    certain: tuple[float, ...]
    settles: int


@runtime_checkable
class Grouper(Protocol):
    """What a tool that enrols people offers for a review."""

    def see(self, session: Session, face: Face) -> Seen:
        """One face of a session."""

    def known(self, seen: Seen, gallery: Gallery, purpose: str | None) -> Known | None:
        """The most alike of the gallery; None where nobody is enrolled for the purpose."""

    def group(self, seen: Sequence[Seen]) -> list[tuple[int, ...]]:
        """Places of the faces that seem to show one person; every place in one group."""

    def divide(self, seen: Sequence[Seen]) -> list[tuple[int, ...]]:
        """The same for faces that are not all one person: two groups at least."""

    def weigh(self, seen: Sequence[Seen], groups: Sequence[Sequence[int]]) -> list[Weight]:
        """What the name of each of some groups of places is worth, in the order given; faces in none do not count."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face in a photo. photo: the file; crop: PNG of the aligned face; certain: see `Weight`."""

    photo: Path
    face: Face
    crop: bytes
    certain: float


@dataclass(frozen=True, eq=False)
class Group:
    """Faces that seem to show one person whom nobody enrolled explains.

    faces: the most typical first. suggestion: who of the gallery it might be, below the line at which somebody is
    named. settles: see `Weight`. why: a sentence that says why it is asked about now. minor: whether a face that would
    be enrolled looks like a child's, which needs a consent that covers minors (`Consent.covers_minors`).
    """

    faces: tuple[Sighting, ...]
    suggestion: Known | None
    settles: int
    why: str
    minor: bool
    places: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Face:
    photo: Path
    sha256: str
    face: Face
    seen: Seen


class Review:
    """One pass over photos. Not thread-safe.

    Args:
        tools: with detect_faces, and enroll_person that is a `Grouper`.
        purpose: of the consent that is asked for; only those who agreed to it are known.

    Raises:
        UsageError: no tool can do it.
    """

    def __init__(
        self, tools: Toolbox, gallery: Gallery, *, purpose: str | None = None, limits: Limits | None = None
    ) -> None:
        grouper: object = tools.get(ENROLS)
        if not isinstance(grouper, Grouper) or DETECTOR not in tools:
            raise UsageError("No installed tool groups faces", "Install faceagent itself rather than its core alone")
        self._tools, self._grouper, self._gallery = tools, grouper, gallery
        self._purpose, self._limits = purpose, limits
        self._faces: list[_Face] = []
        self._hashes: set[str] = set()
        self._groups: list[tuple[int, ...]] | None = None
        self._passed: set[int] = set()
        self.recognised: dict[str, int] = {}
        """Faces that show somebody enrolled, by name."""
        self.left_out: dict[str, int] = {}
        """Faces that are not good enough to be enrolled, by reason."""

    def look(self, path: Path) -> Failure | None:
        """Take in the faces of a photo; its pixels are let go. A copy of one seen before adds nothing.

        Returns:
            Why it could not be looked at, if so.

        Raises:
            UsageError: there are too many faces.
        """
        session = Session(self._purpose, self._gallery)
        try:
            photo = Photo.open(path, limits=self._limits)
            if photo.sha256 in self._hashes:
                return None
            image = session.add(photo)
            step = self._tools.call(session, DETECTOR, {"images": (image,)})[-1].step
            if step.status != "ok":
                return Failure(name=str(path), message=step.message or "Faces could not be looked for.")
            found = [_Face(path, photo.sha256, face, self._grouper.see(session, face)) for face in session.faces()]
        except MediaError as error:
            return Failure(name=str(path), message=f"{error.message}.", mend=f"{error.mend}." if error.mend else None)
        self._hashes.add(photo.sha256)
        self._take(found)
        return None

    def _take(self, found: Sequence[_Face]) -> None:
        for one in found:
            if one.seen.fault:
                reason = one.seen.fault
                self.left_out[reason] = self.left_out.get(reason, 0) + 1
            else:
                self._faces.append(one)
        if len(self._faces) > MOST_FACES:
            raise UsageError(f"There are more than {MOST_FACES:,} faces", "Review fewer photos at a time")
        self._groups = None

    def groups(self) -> list[Group]:
        """Those to be asked about, the most useful name first: how many faces it would name for certain, and then how
        many doubtful ones it would settle. Those passed over come no more.

        Raises:
            GalleryError: the gallery's templates are those of another network.
        """
        if self._groups is None:
            self._passed.clear()
            places = self._unknown(range(len(self._faces)))
            self._groups = self._placed(places, self._grouper.group([self._faces[at].seen for at in places]))
        weights = self._grouper.weigh([one.seen for one in self._faces], self._groups)
        ranked = sorted(weights, key=lambda one: (-round(sum(one.certain)), -one.settles, one.members[0]))
        made = [self._group(one) for one in ranked]
        return [one for one in made if one.places[0] not in self._passed]

    def _group(self, weight: Weight) -> Group:
        rows = [self._faces[at] for at in weight.members]
        nearest = self._grouper.known(rows[0].seen, self._gallery, self._purpose)
        return Group(
            tuple(
                Sighting(row.photo, row.face, row.seen.crop, sure)
                for row, sure in zip(rows, weight.certain, strict=True)
            ),
            nearest if nearest is not None and nearest.probability >= _WORTH_SAYING else None,
            weight.settles,
            _why(weight),
            any(row.seen.minor for row in rows[:MOST_ENROLLED]),
            weight.members,
        )

    def name(self, group: Group, name: str, consent: Consent, *, protected: bool = False) -> Outcome:
        """Enrol a group's most typical faces, by enroll_person and with its checks. Faces elsewhere that are known
        thereby are not asked about any more.

        Raises:
            UsageError: the name or the consent will not do.
            FaceAgentError: it failed.
        """
        session = Session(self._purpose, self._gallery)
        subjects = [face for at in group.places[:MOST_ENROLLED] if (face := self._open(session, self._faces[at]))]
        if not subjects:
            raise UsageError("None of the photos is what it was when it was looked at", "Review them anew")
        stated = {
            "consent": consent.statement,
            "consent_file": consent.file,
            "consent_sha256": consent.sha256,
            "until": consent.until and consent.until.isoformat(),
            "guardian": consent.guardian,
            "of_age": consent.of_age,
        }
        told = {
            "name": name,
            "subjects": subjects,
            "purpose": consent.purpose,
            "given": consent.given.isoformat(),
            "protected": protected,
            **{key: value for key, value in stated.items() if value},
        }
        outcome = called(self._tools, session, ENROLS, told)[-1]
        if outcome.step.status != "ok":
            kind = UsageError if outcome.step.status == "refused" else FaceAgentError
            raise kind(outcome.step.message or "Nobody was enrolled")
        if any(row.attribute == "enrolment" and row.status == "ok" for row in outcome.evidence):
            self._settle(group)
        return outcome

    def skip(self, group: Group) -> None:
        """Ask no more about a group."""
        self._passed.update(group.places)

    def split(self, group: Group) -> None:
        """The group is not one person: ask about its parts.

        Raises:
            UsageError: it has one face.
        """
        if len(group.places) < 2:
            raise UsageError("A single face cannot be split", "Skip it")
        parts = self._placed(group.places, self._grouper.divide([self._faces[at].seen for at in group.places]))
        kept = [one for one in self._groups or () if not set(one) & set(group.places)]
        self._groups = [*kept, *parts]

    def _settle(self, named: Group) -> None:
        """Take the named faces out, and those that are known now."""
        rest = [tuple(self._unknown(one)) for one in self._groups or () if not set(one) & set(named.places)]
        self._groups = [one for one in rest if one]

    def _unknown(self, places: Sequence[int]) -> list[int]:
        left = []
        for at in places:
            found = self._grouper.known(self._faces[at].seen, self._gallery, self._purpose)
            if found is not None and found.settled:
                self.recognised[found.name] = self.recognised.get(found.name, 0) + 1
            else:
                left.append(at)
        return left

    def _placed(self, places: Sequence[int], groups: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
        return [tuple(places[at] for at in group) for group in groups]

    def _open(self, session: Session, one: _Face) -> str | None:
        """The face in a new conversation, or None where the file has changed or gone."""
        try:
            photo = Photo.open(one.photo, limits=self._limits)
        except MediaError:
            return None
        if photo.sha256 != one.sha256:
            return None
        image = session.add(photo)
        face = one.face.model_copy(update={"id": f"{image.replace('image', 'face')}.1", "image": image})
        session.set_faces(image, [face])
        return face.id


_WORTH_SAYING = 0.1  # probability from which on somebody enrolled is suggested


def _why(weight: Weight) -> str:
    count, settles = len(weight.members), weight.settles
    doubtful = "one doubtful face" if settles == 1 else f"{settles} doubtful faces"
    who = "A single face" if count == 1 else f"{count} faces that seem to show one person"
    also = f"; the name would also settle {doubtful} elsewhere" if settles else ""
    return f"{who}, whom nobody enrolled explains{also}."
