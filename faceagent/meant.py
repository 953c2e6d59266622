"""Which faces somebody means who counts them from the left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceagent.errors import UsageError

if TYPE_CHECKING:
    from faceagent.session import Session

_FACE = re.compile(r"(?:face )?([1-9]\d*(?:\.[1-9]\d*)?)")


def face(text: str) -> str:
    """A face as people write it: "2", "1.2" or "face 1.2", without the word.

    Raises:
        UsageError: it is none.
    """
    found = _FACE.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{text!r} is no face", "Write 2 for the second face from the left, or 1.2 for that of photo 1"
        )
    return found[1]


def subjects(session: Session, faces: Sequence[str]) -> list[str]:
    """The ids of the faces that were named, and those of all photos of which none was.

    Raises:
        UsageError: it was not said of which of several photos.
        UnknownReference: there is no such photo.
    """
    several = len(session.images) > 1
    unsaid = next((one for one in faces if several and "." not in one), None)
    if unsaid is not None:
        raise UsageError(
            f"Face {unsaid} could be in any of the photos",
            f"Put the photo's number before it: 1.{unsaid} is of the first",
        )
    named = [f"face {one if '.' in one else f'1.{one}'}" for one in faces]
    of = {session.image_of(one) for one in named}
    return [*named, *(image for image in session.images if image not in of)]
