"""What a question points at: photos, faces and sides, by rules. What it asks for is read by planner.py."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "last": -1}
_PHOTO = r"(?:image|photo|picture|pic|exhibit|photograph|shot)"
_NTH_PHOTO = re.compile(rf"\b({'|'.join(_ORDINALS)})\s+{_PHOTO}\b", re.IGNORECASE)
_PHOTO_N = re.compile(rf"\b{_PHOTO}s?\s*#?(\d+)\b", re.IGNORECASE)
_FACE_N = re.compile(r"\bface\s*#?(\d+\.\d+)\b", re.IGNORECASE)
_PERSON = r"(?:face|person|man|woman|one|guy|girl|boy|lady)"
_SIDE = re.compile(
    rf"\b(?:on|at|to) the (?:far )?(left|right)\b|\b(left|right)(?:most|-hand)? {_PERSON}\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class References:
    """What a question points at: ids as written (they may not exist), and a side that needs faces to resolve."""

    images: tuple[str, ...]
    faces: tuple[str, ...]
    side: str | None


def references(question: str, images: tuple[str, ...]) -> References:
    """Ids in a question: "face 1.2", "photo 2", "the last picture", "the woman on the left"."""
    named = [f"image {number}" for number in _PHOTO_N.findall(question)]
    for ordinal in _NTH_PHOTO.findall(question):
        place = _ORDINALS[ordinal.lower()]
        if images and place < len(images):
            named.append(images[place])
    # "The left one and the right one" names no side in particular.
    sides = {first or second for first, second in _SIDE.findall(question.lower())}
    return References(
        images=tuple(dict.fromkeys(named)),
        faces=tuple(dict.fromkeys(f"face {number}" for number in _FACE_N.findall(question))),
        side=sides.pop() if len(sides) == 1 else None,
    )
