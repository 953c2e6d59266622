"""What the tab “People” does: opens the gallery, enrols, looks up, erases. Everything goes through the tools and is in
the gallery's audit log, as from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from faceagent import meant
from faceagent.app.figures import encoded
from faceagent.direct import call
from faceagent.errors import GalleryError, MediaError, UsageError
from faceagent.media import Photo
from faceagent.report.drawing import part_of
from faceagent.session import Session
from faceagent.types import Box, Claim, Evidence

if TYPE_CHECKING:
    from faceagent.app.desk import Desk
    from faceagent.gallery import Gallery, Person

State = Literal["taken", "left_out", "named", "unknown", "undecided", "not_judged"]
_FOUND: dict[object, State] = {"supported": "named", "unknown": "unknown", "undecided": "undecided"}
_SIDE = 160
_AROUND = 1.3


@dataclass(frozen=True)
class Shot:
    """A photo that was handed in, or a face of it. jpeg: in base64, or "". state: what became of it. said: why."""

    name: str
    jpeg: str
    state: State
    said: tuple[str, ...] = ()
    who: str = ""


@dataclass(frozen=True)
class Result:
    """What came of it: sentences by their role, what is not established, and each photo or face."""

    claims: tuple[Claim, ...]
    gaps: tuple[str, ...] = ()
    shots: tuple[Shot, ...] = ()

    def of(self, role: str) -> list[Claim]:
        return [claim for claim in self.claims if claim.role == role]


@dataclass(frozen=True)
class Wish:
    """Who is to be enrolled, as typed. form: a file in which the person agreed. given, until: ISO dates or "".

    guardian: who agreed for somebody under age. of_age: it is stated that the person is of age, though looking younger.
    another_name: the person is to be enrolled under this name besides another. faces: of photos that show several
    people, those that are meant, as `meant.face` reads them, with commas between.
    """

    name: str
    statement: str
    form: Path | None
    purpose: str
    given: str
    until: str
    protected: bool
    guardian: str = ""
    of_age: bool = False
    another_name: bool = False
    faces: str = ""


def door(desk: Desk) -> Literal["open", "passphrase", "keyring", "none"]:
    """Whether a gallery is open, or what opens the one that was made in the app's own folder, if there is one.

    Raises:
        GalleryError: it is damaged.
    """
    from faceagent.gallery.database import key_of

    if desk.gallery is not None:
        return "open"
    made = key_of(desk.folder("gallery"))
    if made is None:
        return "none"
    return "keyring" if made[0] == "keyring" else "passphrase"


def open_gallery(desk: Desk, passphrase: str, again: str, *, keyring: bool = False) -> Gallery:
    """Open the gallery in the app's own folder, or make it, and have the whole app use it.

    Args:
        again: the passphrase once more, where the gallery is made.
        keyring: make it with a key in the operating system's keyring instead.

    Raises:
        UsageError: the passphrase is too short, or the two differ; or the app is shared.
        GalleryError: it is another passphrase, or the gallery is damaged.
        MissingExtra: the keyring's package is not installed.
    """
    from faceagent.gallery import Gallery, Key

    kind, folder = door(desk), desk.folder("gallery")
    if desk.settings.shared:
        raise UsageError("This app is shared", "Whoever runs it names a gallery with --gallery")
    if kind == "open":
        raise UsageError("A gallery is open already", "Reload the page")
    if kind == "keyring" or (kind == "none" and keyring):
        key = Key.of_keyring(create=kind == "none")
    else:
        if kind == "none" and passphrase != again:
            raise UsageError("The two passphrases are not the same", "Type them again")
        key = Key.of_passphrase(passphrase)
    gallery = Gallery.open(folder, key, create=kind == "none")
    desk.seat.admit(gallery)
    return gallery


def opened(desk: Desk) -> Gallery:
    """The gallery.

    Raises:
        UsageError: none is open.
    """
    if desk.gallery is None:
        raise UsageError("No gallery is open", "Open it first")
    return desk.gallery


def found(desk: Desk, text: str | None) -> list[Person]:
    """Those enrolled whose names hold a text, whatever its capitals, by name; everybody where there is no text."""
    wanted = " ".join((text or "").split()).casefold()
    people = (person for person in opened(desk).people() if wanted in person.name.casefold())
    return sorted(people, key=lambda person: person.name.casefold())


def enrol(desk: Desk, wish: Wish, photos: Sequence[Path]) -> Result:
    """Enrol a person with the photos that are good enough.

    Raises:
        UsageError: there is no photo, no name, no consent, or a date is none.
        GalleryError, AuditError: the gallery cannot be written.
    """
    session, shots = _session(desk, photos)
    arguments: dict[str, object] = {
        "name": wish.name,
        "consent": wish.statement,
        "purpose": wish.purpose,
        "protected": wish.protected,
        "guardian": wish.guardian,
        "of_age": wish.of_age,
        "another_name": wish.another_name,
        "given": day(wish.given),
        "until": day(wish.until),
    }
    if wish.faces.strip():
        arguments["subjects"] = meant.subjects(session, [meant.face(one) for one in wish.faces.split(",")])
    if wish.form is not None:
        from faceagent.gallery import Consent

        form = Consent.of_file(wish.form, "enrolment", date.today())
        arguments |= {"consent_file": form.file, "consent_sha256": form.sha256}
    called = call(desk.seat.tools(), session, "enroll_person", arguments)
    taken = {str(face) for row in called.own.evidence for face in _list(row.details.get("taken"))}
    refused = {row.subject: row.reason or "" for row in called.own.evidence if row.attribute == "enrolment_photo"}
    for image in session.images:
        faces = {face.id for face in session.faces(image)}
        reasons = [reason for subject, reason in refused.items() if subject == image or subject in faces]
        photo = session.photo(image)
        state: State = "taken" if faces & taken else "left_out"
        shots.append(Shot(photo.name, _whole(photo), state, tuple(_said(reason) for reason in reasons)))
    # That a photo was left out is said beside the photo.
    claims = tuple(claim for claim in called.narration.claims if claim.attribute != "enrolment_photo")
    return Result(claims, called.narration.not_established, tuple(shots))


def look_up(desk: Desk, photos: Sequence[Path]) -> Result:
    """Who of those enrolled the faces of photos show, if anybody.

    Raises:
        UsageError: there is no photo that can be read.
        GalleryError, AuditError: the gallery cannot be read, or the call not logged.
    """
    session, shots = _session(desk, photos)
    called = call(desk.seat.tools(), session, "identify_person", {})
    shots += [_face(session, row) for row in called.own.evidence]
    return Result(called.narration.claims, called.narration.not_established, tuple(shots))


def forget(desk: Desk, name: str) -> Result:
    """Erase a person, and say whether anything is left.

    Raises:
        UsageError, GalleryError, AuditError: as the tool.
    """
    session = Session(desk.settings.purpose, opened(desk))
    called = call(desk.seat.tools(), session, "forget_person", {"name": name})
    return Result(called.narration.claims, called.narration.not_established)


def crops(desk: Desk, name: str) -> list[str]:
    """What the gallery keeps to be looked at of a person: aligned faces, PNG in base64."""
    return [encoded(template.crop) for template in opened(desk).templates(name)]


def person(desk: Desk, name: str) -> Person:
    """Raises:
    GalleryError: nobody has that name.
    """
    known = opened(desk).person(name)
    if known is None:
        raise GalleryError(f"Nobody called {name!r} is enrolled", "Look at the list again")
    return known


def drop(files: Iterable[str]) -> None:
    """Delete the page's own copies of files: what is to be kept of them is in the gallery."""
    for file in files:
        Path(file).unlink(missing_ok=True)


def day(text: str) -> date | None:
    """A date as it was typed; None where nothing was.

    Raises:
        UsageError: it is none.
    """
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is no date", "Write it as in 2027-05-31") from None


def _session(desk: Desk, photos: Sequence[Path]) -> tuple[Session, list[Shot]]:
    """A session with the photos, and those that cannot be read, with the reason."""
    if not photos:
        raise UsageError("There is no photo", "Choose at least one")
    session, broken = Session(desk.settings.purpose, opened(desk)), []
    for path in photos:
        try:
            session.add(Photo.open(path, limits=desk.settings.limits))
        except MediaError as error:
            broken.append(Shot(path.name, "", "left_out", (str(error),)))
    if not session.images:
        raise UsageError("None of the photos can be read", broken[0].said[0])
    return session, broken


def _face(session: Session, row: Evidence) -> Shot:
    photo, box = session.photo(session.image_of(row.subject)), session.face(row.subject).box
    said = (_said(row.reason),) if row.reason else ()
    state = _FOUND.get(row.value, "not_judged") if row.status == "ok" else "not_judged"
    first = next(iter(_list(row.details.get("candidates"))), {})
    who = str(first.get("name", "")) if state == "named" and isinstance(first, dict) else ""
    jpeg = encoded(part_of(photo, box.scaled_about_centre(_AROUND), _SIDE))
    return Shot(f"{row.subject} · {photo.name}", jpeg, state, said, who)


def _whole(photo: Photo) -> str:
    return encoded(part_of(photo, Box(x0=0, y0=0, x1=photo.width, y1=photo.height), _SIDE))


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _said(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."
