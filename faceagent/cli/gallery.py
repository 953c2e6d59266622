"""`faceagent enroll NAME PHOTO…` and `faceagent gallery list|show|search|export|forget|verify|review|reembed|rekey`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent import meant
from faceagent.cli import review
from faceagent.cli.console import add_limits, add_purpose, complain, limits_of, say
from faceagent.cli.keys import add_gallery, asked, gallery_of
from faceagent.errors import MediaError, UsageError

if TYPE_CHECKING:
    from faceagent.gallery import Gallery, Key, Person, Reembedded
    from faceagent.session import Session
    from faceagent.tool import Outcome


ENROLL_EXAMPLE = """examples:
  faceagent enroll "Ada Lovelace" ada-1.jpg ada-2.jpg --consent form.pdf --purpose personal --gallery people
  faceagent enroll "Ada Lovelace" ada-3.jpg --consent "She agreed by letter, 2 May 2026." --until 2027-05-01
  faceagent enroll "Ada Lovelace" party.jpg --face 2 --consent form.pdf"""
GALLERY_EXAMPLE = """examples:
  faceagent gallery list --gallery people --key-file people.key
  faceagent gallery search unknown.jpg --purpose personal
  faceagent gallery forget "Ada Lovelace"
  faceagent gallery review holiday --purpose personal
  faceagent gallery reembed
  faceagent gallery rekey --new-key-file new.key"""


def add_enroll_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "enroll",
        parents=[common],
        help="enrol a person who agreed to it in the gallery",
        epilog=ENROLL_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="what the person is called")
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos that show the person; several are better")
    parser.add_argument(
        "--consent", required=True, metavar="FILE|TEXT", help="a file in which the person agreed, or a statement of it"
    )
    parser.add_argument("--until", type=_day, metavar="DATE", help="last day on which the entry may be kept")
    age = parser.add_mutually_exclusive_group()
    age.add_argument("--guardian", metavar="NAME", help="the parent or guardian who agreed, of a person under age")
    age.add_argument("--of-age", action="store_true", help="state that the person is of age, though looking younger")
    parser.add_argument(
        "--protected", action="store_true", help="photos said to show this person are to be examined as possible fakes"
    )
    parser.add_argument(
        "--face",
        action="append",
        default=[],
        type=_face,
        metavar="N",
        help="of several faces in a photo the one that is meant, counted from the left: 2, or with several photos 1.2 "
        "for the second face of the first; may be given for each photo",
    )
    parser.add_argument(
        "--another-name",
        action="store_true",
        help="enrol the person under this name too, where a photo is enrolled under another already",
    )
    add_purpose(parser)
    add_gallery(parser)
    add_limits(parser)
    parser.set_defaults(run=run_enroll)


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "gallery",
        parents=[common],
        help="the people who are enrolled",
        epilog=GALLERY_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = actions.add_parser(name, parents=[common], help=about, description=about)
        add_gallery(one)
        one.set_defaults(run=run)
        return one

    action("list", _list, "who is enrolled").add_argument("--json", action="store_true", help="as JSON")
    action("show", _show, "what is stored about a person").add_argument("name", metavar="NAME")
    search = action("search", _search, "who of them a photo shows")
    search.add_argument("photos", nargs="+", metavar="PHOTO")
    add_purpose(search)
    add_limits(search)
    export = action("export", _export, "write a person's entry in the clear, for that person")
    export.add_argument("name", metavar="NAME")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    action("forget", _forget, "remove a person from every file").add_argument("name", metavar="NAME")
    action("verify", _verify, "whether every entry and the audit log are intact")
    review.add_to(action("review", review.run, "the unknown faces of photos, one person after the other, to be named"))
    action("reembed", _reembed, "make templates of another model anew, from the crops that were kept")
    rekey = action("rekey", _rekey, "change the key; the old one opens nothing any more")
    new = rekey.add_mutually_exclusive_group(required=True)
    new.add_argument("--new-key-file", type=Path, metavar="FILE", help="a file, made if it does not exist")
    new.add_argument("--new-keyring", metavar="ENTRY", help="a new entry in the operating system's keyring")
    new.add_argument("--new-passphrase", action="store_true", help="a passphrase, which is asked for")


def run_enroll(chosen: argparse.Namespace) -> int:
    from faceagent.gallery import Consent

    read = Consent.told(chosen.consent, "enrolment", date.today())
    consent = {"consent": read.statement, "consent_file": read.file, "consent_sha256": read.sha256}
    arguments: dict[str, Any] = {"name": chosen.name, "protected": chosen.protected}
    arguments |= {key: value for key, value in consent.items() if value is not None}
    if chosen.guardian or chosen.of_age:
        arguments |= {"guardian": chosen.guardian} if chosen.guardian else {"of_age": True}
    if chosen.until:
        arguments["until"] = chosen.until.isoformat()
    if chosen.another_name:
        arguments["another_name"] = True
    with gallery_of(chosen, create=True) as gallery:
        session, failed = _session(gallery, chosen)
        if not session.images:
            return 1
        if chosen.face:
            arguments["subjects"] = meant.subjects(session, chosen.face)
        outcome, succeeded = _called(session, "enroll_person", arguments)
    _tell_choices(session, outcome)
    if any(row.details.get("under_another_name") for row in outcome.evidence):
        complain("If the person is to have this name too, add --another-name.")
    return 1 if failed or not succeeded else 0


def _search(chosen: argparse.Namespace) -> int:
    with gallery_of(chosen) as gallery:
        session, failed = _session(gallery, chosen)
        if not session.images:
            return 1
        _, succeeded = _called(session, "identify_person", {})
    return 1 if failed or not succeeded else 0


def _session(gallery: Gallery, chosen: argparse.Namespace) -> tuple[Session, bool]:
    """The photos that can be read, and whether any cannot."""
    from faceagent.media import Photo
    from faceagent.policy import purpose
    from faceagent.session import Session

    session = Session(chosen.purpose and purpose(chosen.purpose).name, gallery)
    failed = False
    for path in chosen.photos:
        try:
            session.add(Photo.open(path, limits=limits_of(chosen)))
        except MediaError as error:
            complain(str(error))
            failed = True
    return session, failed


def _called(session: Session, name: str, arguments: Mapping[str, Any]) -> tuple[Outcome, bool]:
    """Hand a session's photos to a tool and say what it says; the call goes into the audit log."""
    from faceagent.direct import call
    from faceagent.narrate import compose
    from faceagent.tool import Toolbox

    called = call(Toolbox.installed(), session, name, arguments)
    say(compose(called.narration.claims, called.narration.not_established))
    return called.own, called.succeeded


def _tell_choices(session: Session, outcome: Outcome) -> None:
    """Where a photo shows several faces and none is taken: what they look like, and how to name one."""
    for row in outcome.evidence:
        faces = row.details.get("faces")
        if not isinstance(faces, list):
            continue
        photo = session.photo(row.subject)
        numbers = [str(face).removeprefix("face ") for face in faces]
        boxes = [session.face(str(face)).box for face in faces]
        each = "; ".join(
            f"{number} is {box.width:.0f} pixels wide, {100 * box.centre[0] / photo.width:.0f} % from the left and "
            f"{100 * box.centre[1] / photo.height:.0f} % from the top"
            for number, box in zip(numbers, boxes, strict=True)
        )
        complain(f"The faces of {photo.name}: {each}. Say which one is meant, as in --face {numbers[-1]}")


def _list(chosen: argparse.Namespace) -> int:
    with gallery_of(chosen) as gallery:
        people, models = gallery.people(), gallery.models()
    if chosen.json:
        say(json.dumps([_known(person) for person in people], indent=1, ensure_ascii=False))
        return 0
    for person in people:
        until = f", until {person.consent.until}" if person.consent.until else ""
        protected = ", protected" if person.protected else ""
        photos = sum(person.templates.values())
        say(
            f"{person.name}: {photos} {'photo' if photos == 1 else 'photos'}, since {person.since}, for "
            f"{person.consent.purpose}{until}{protected}"
        )
    say(f"{len(people)} {'person is' if len(people) == 1 else 'people are'} enrolled.")
    if len(models) > 1:
        by = ", ".join(f"{count} by {model}" for model, count in models.items())
        complain(
            f"Several models made the templates ({by}), and a search finds those of one only. Make the others anew: "
            "faceagent gallery reembed"
        )
    return 0


def _show(chosen: argparse.Namespace) -> int:
    with gallery_of(chosen) as gallery:
        person = _person(gallery, chosen.name)
        templates = gallery.templates(chosen.name)
    known = _known(person)
    known["photos"] = [
        {"sha256": one.photo_sha256, "model": str(one.model), "quality": dict(one.quality)} for one in templates
    ]
    say(json.dumps(known, indent=1, ensure_ascii=False))
    return 0


def _export(chosen: argparse.Namespace) -> int:
    from faceagent.gallery.export import export

    with gallery_of(chosen) as gallery:
        written = export(gallery, chosen.name, chosen.out)
    say(f"{len(written)} files are in {chosen.out}. They are not encrypted: hand them over, then delete them.")
    return 0


def _forget(chosen: argparse.Namespace) -> int:
    with gallery_of(chosen) as gallery:
        gone = gallery.forget(chosen.name)
    photos = f"{gone.templates} {'photo' if gone.templates == 1 else 'photos'}"
    say(f"{gone.name} was removed, with {photos} and the key that all of it was encrypted with.")
    if gone.unsearched is not None:
        say(
            f"The index at {gone.unsearched} was written anew without {gone.name}. Its files lie elsewhere and were "
            "not searched: if that store keeps old versions, delete them there."
        )
    if gone.proven:
        say(f"None of the {gone.blobs} pieces stored is left in {_listed(gone.searched)}.")
        return 0
    complain(
        f"Something is left in {_listed(gone.remaining)}. Close the gallery in other programs, then run: faceagent "
        "gallery verify. A file that is not the gallery's own has to be deleted by hand."
    )
    return 1


def _verify(chosen: argparse.Namespace) -> int:
    with gallery_of(chosen) as gallery:
        count, faults, head = len(gallery), gallery.verify(), gallery.audit.verify().head
    for fault in faults:
        complain(fault)
    if faults:
        return 1
    entries = "1 entry is" if count == 1 else f"{count} entries are"
    say(f"{entries} intact, and so is the audit log. Its head: {head or 'none yet'}")
    return 0


def _reembed(chosen: argparse.Namespace) -> int:
    from faceagent.reembedding import reembed, reembedder
    from faceagent.tool import Toolbox

    tools = Toolbox.installed()
    done: list[Reembedded] = []
    with gallery_of(chosen) as gallery:
        try:
            done.extend(reembed(tools, gallery))
        except KeyboardInterrupt:
            complain("What was made anew until now stays so. The same command goes on with the rest.")
            raise
    lost = [one for one in done if one.lost]
    for one in lost:
        complain(_not_renewed(one))
    made, already = sum(one.renewed for one in done), sum(one.already for one in done)
    people = _counted(sum(one.renewed > 0 for one in done), "person", "people")
    was = "" if not already else ", and 1 was already" if already == 1 else f", and {already} were already"
    what = _counted(made, "template", "templates")
    say(f"{what} of {people} {'was' if made == 1 else 'were'} made anew by {reembedder(tools).model}{was}.")
    if lost:
        gone = sum(not one.searchable for one in lost)
        say(
            f"{_counted(len(lost), 'person has', 'people have')} templates of a former model still; {gone} of them "
            f"{'is' if gone == 1 else 'are'} not found any more."
        )
    return 1 if lost else 0


def _not_renewed(one: Reembedded) -> str:
    of = _counted(one.renewed + one.already + one.lost, "template", "templates")
    then = (
        "is found by the others"
        if one.searchable
        else f'is not found before being enrolled anew: faceagent enroll "{one.name}" PHOTO… --consent …'
    )
    return f"{one.name}: of {one.lost} of {of} no crop was kept that can be read. {one.name} {then}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _rekey(chosen: argparse.Namespace) -> int:
    with gallery_of(chosen) as gallery:
        key = _new_key(chosen)
        gallery.rekey(key)
    say(f"The gallery has a new key ({key.kind} {key.label}".rstrip() + "). Destroy the old one, and copies of it.")
    return 0


def _new_key(chosen: argparse.Namespace) -> Key:
    from faceagent.gallery import Key

    if chosen.new_key_file:
        return Key.of_file(chosen.new_key_file, create=True)
    if chosen.new_keyring:
        return Key.of_keyring(chosen.new_keyring, create=True)
    return Key.of_passphrase(asked("New passphrase: ", again=True))


def _person(gallery: Gallery, name: str) -> Person:
    from faceagent.errors import GalleryError

    person = gallery.person(name)
    if person is None:
        raise GalleryError(f"Nobody called {name!r} is enrolled", "See who is: faceagent gallery list")
    return person


def _known(person: Person) -> dict[str, Any]:
    consent = {
        "purpose": person.consent.purpose,
        "given": person.consent.given.isoformat(),
        "until": person.consent.until and person.consent.until.isoformat(),
        "statement": person.consent.statement,
        "file": person.consent.file,
        "sha256": person.consent.sha256,
        "guardian": person.consent.guardian,
        "of_age": person.consent.of_age or None,
    }
    return {
        "id": person.id,
        "name": person.name,
        "since": person.since.isoformat(),
        "protected": person.protected,
        "templates": {str(model): count for model, count in person.templates.items()},
        "consent": {key: value for key, value in consent.items() if value is not None},
    }


def _listed(files: Sequence[str]) -> str:
    return ", ".join(files)


def _face(text: str) -> str:
    try:
        return meant.face(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no date such as 2027-05-31") from None
