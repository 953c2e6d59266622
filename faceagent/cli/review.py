"""`faceagent gallery review INPUT…`: who are the unknown faces of these photos?

A person looks at a contact sheet, and types a name and how the person agreed, or passes the group over.
"""

from __future__ import annotations

import argparse
import io
import signal
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from faceagent.cli.console import add_limits, add_purpose, complain, limits_of, say
from faceagent.cli.keys import gallery_of
from faceagent.errors import FaceAgentError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faceagent.gallery import Consent
    from faceagent.review import Group, Review
    from faceagent.types import Evidence

_TILE, _ACROSS, _SHOWN = 160, 6, 24  # pixels of a face on the sheet, faces in a row and at most
_ASKED = "Who is this? A name, or Enter to pass over, “split” if it is not one person, “stop” to end:"
_AGREED = "How did {name} agree? A statement, or a file with it; Enter to leave {name} out:"
_OF_AGE = "of age"
_GUARDIAN = (
    "{name} looks younger than {years} here. Which parent or guardian agreed? A name, or “{of_age}” if {name} is; "
    "Enter to leave {name} out:"
)


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="photos, folders, or patterns in quotes")
    add_purpose(parser)
    add_limits(parser)


def run(chosen: argparse.Namespace) -> int:
    from faceagent.batch import VIDEO_SUFFIXES, expand
    from faceagent.policy import purpose
    from faceagent.review import Review
    from faceagent.tool import Toolbox

    stated = purpose(chosen.purpose).name if chosen.purpose else "access"
    failed = False
    with gallery_of(chosen, create=True) as gallery, _folder() as folder:
        review = Review(Toolbox.installed(), gallery, purpose=stated, limits=limits_of(chosen))
        for path in expand(chosen.inputs):
            if path.suffix.lower() in VIDEO_SUFFIXES:
                continue
            if failure := review.look(path):
                complain(f"{failure.name}: {failure.message} {failure.mend or ''}".rstrip())
                failed = True
        asked = review.groups()
        _told(review, len(asked))
        while asked and _answered(review, asked[0], folder, stated):
            asked = review.groups()
    say("Nothing is kept of those who were not named.")
    return 1 if failed else 0


def _told(review: Review, groups: int) -> None:
    for name, count in review.recognised.items():
        say(f"{count} {'face shows' if count == 1 else 'faces show'} {name}, who is enrolled.")
    for reason, count in review.left_out.items():
        say(f"{count} {'face was' if count == 1 else 'faces were'} left out, because {reason}.")
    say(f"{groups} {'person' if groups == 1 else 'people'} may be named." if groups else "There is nobody to be named.")


def _answered(review: Review, group: Group, folder: Path, stated: str) -> bool:
    """Ask about one group and do as is said. Returns False to stop."""
    sheet = folder / "faces.png"
    sheet.write_bytes(contact_sheet([one.crop for one in group.faces[:_SHOWN]]))
    say(f"\n{group.why} {_maybe(group)}".rstrip())
    say(f"See them: {sheet} ({', '.join(dict.fromkeys(one.photo.name for one in group.faces[:_SHOWN]))})")
    said = _line(_ASKED)
    if said is None or said.casefold() == "stop":
        return False
    try:
        if said.casefold() == "split":
            review.split(group)
        elif said:
            _name(review, group, said, stated)
        else:
            review.skip(group)
    except FaceAgentError as error:
        # Asked again: nobody was enrolled.
        complain(str(error))
    return True


def _name(review: Review, group: Group, name: str, stated: str) -> None:
    consent = _consent(name, stated)
    if consent is not None and group.minor:
        consent = _for_a_minor(consent, name)
    if consent is None:
        say(f"{name} was not enrolled.")
        review.skip(group)
        return
    outcome = review.name(group, name, consent)
    enrolment = next((row for row in outcome.evidence if row.attribute == "enrolment"), None)
    say(_enrolled(name, enrolment))
    if enrolment is None or enrolment.status != "ok":
        review.skip(group)


def _enrolled(name: str, row: Evidence | None) -> str:
    if row is None or row.status != "ok":
        return f"{name} was not enrolled, because {row.reason if row else 'nothing was said of it'}."
    return f"{name} was enrolled with {row.details['photos']} of these faces, for {row.details['purpose']}."


def _consent(name: str, stated: str) -> Consent | None:
    """How a person agreed; None without an answer."""
    from faceagent.gallery import Consent

    while agreed := _line(_AGREED.format(name=name)):
        try:
            return Consent.told(agreed, stated, date.today())
        except UsageError as error:
            complain(str(error))
    return None


def _for_a_minor(consent: Consent, name: str) -> Consent | None:
    """The consent with who agreed for somebody who looks like a child, or that it is none; None without an answer."""
    from faceagent.policy import age_line

    said = _line(_GUARDIAN.format(name=name, years=age_line(), of_age=_OF_AGE))
    if not said:
        return None
    return replace(consent, of_age=True) if said.casefold() == _OF_AGE else replace(consent, guardian=said)


def _maybe(group: Group) -> str:
    if group.suggestion is None:
        return ""
    return f"It might be {group.suggestion.name} (probability {group.suggestion.probability:.2f})."


def _line(prompt: str) -> str | None:
    say(prompt)
    try:
        return input().strip()
    except EOFError:
        return None


def contact_sheet(crops: list[bytes]) -> bytes:
    """Faces in rows, as PNG.

    Args:
        crops: each an encoded picture.

    Raises:
        UsageError: there is none.
    """
    from PIL import Image

    if not crops:
        raise UsageError("There is no face to show")
    across = min(_ACROSS, len(crops))
    sheet = Image.new("RGB", (across * _TILE, -(-len(crops) // across) * _TILE), "white")
    for place, crop in enumerate(crops):
        with Image.open(io.BytesIO(crop)) as face:
            tile = face.convert("RGB").resize((_TILE - 4, _TILE - 4))
        sheet.paste(tile, (place % across * _TILE + 2, place // across * _TILE + 2))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


@contextmanager
def _folder() -> Iterator[Path]:
    """A private folder for the sheet, gone in the end, also where the process is asked to end."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with tempfile.TemporaryDirectory(prefix="faceagent-review-") as name:
            yield Path(name)
    finally:
        signal.signal(signal.SIGTERM, before)
