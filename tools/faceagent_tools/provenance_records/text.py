"""Text from files is hostile: it is cut, stripped of what hides or breaks out, and never read as an instruction."""

from __future__ import annotations

import unicodedata

LONGEST = 120
MANY = 40
"""Lists from a file (history entries, text chunks) are read this far."""

# Our sentences put what a file says between “ and ”: a file that holds those marks could end its own quotation.
_MARKS = str.maketrans(dict.fromkeys('“”„‟"«»', "'"))


def clean(value: object, longest: int = LONGEST) -> str:
    """One line of printable text of at most `longest` characters.

    Control characters, direction overrides and other invisible characters are dropped, white space is folded, double
    quotation marks become plain ones. Bytes are read as UTF-8, then as Latin-1.
    """
    text = _decoded(value) if isinstance(value, bytes) else str(value)
    # Cut before the work is done, generously, so that a long value costs nothing.
    text = text[: 8 * longest].translate(_MARKS)
    shown = "".join(" " if char.isspace() else char for char in text if char.isspace() or _printable(char))
    folded = " ".join(shown.split())
    return folded if len(folded) <= longest else folded[: longest - 1].rstrip() + "…"


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _printable(char: str) -> bool:
    # C*: control, format (zero width, direction), surrogate, private use, unassigned.
    return not unicodedata.category(char).startswith("C")
