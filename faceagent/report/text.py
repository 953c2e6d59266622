"""Text that came from a file, made safe to look at."""

from __future__ import annotations

import unicodedata

LONGEST = 2000
# Characters that change how their neighbours are shown: bidirectional overrides and isolates, joiners, line separators.
_DECEPTIVE = frozenset(
    "\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)


def visible(text: str, longest: int = LONGEST) -> str:
    """The text with every character that a reader could not see written out as \\u…, cut when it is very long.

    Line breaks and tabs become spaces. Without this a name such as "photo\\u202egpj.exe" reads "photoexe.jpg".
    """
    short = text[:longest]
    shown = "".join(_shown(character) for character in short)
    return shown if len(text) <= longest else f"{shown} … ({len(text):,} characters in all; see the JSON)"


def _shown(character: str) -> str:
    if character in "\t\r\n":
        return " "
    if character in _DECEPTIVE or unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co"):
        return f"\\u{ord(character):04x}"
    return character
