"""Numbers as they are written, in figures or in words, and whether evidence reads so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
IN_WORDS = {word: number for number, word in enumerate(UNITS) if number != 1}
IN_WORDS |= {word: 10 * (place + 2) for place, word in enumerate(_TENS)}
IN_WORDS |= {
    f"{ten}-{unit}": 10 * (place + 2) + number
    for place, ten in enumerate(_TENS)
    for number, unit in enumerate(UNITS[1:10], start=1)
}
IN_WORDS |= {"hundred": 100, "thousand": 1000, "dozen": 12, "million": 1_000_000}
# Not one by one: a hundred alternatives at every word take their time.
_COMPOUND = rf"(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(UNITS[1:10])}))?"
_SINGLE = "|".join(sorted((word for word in IN_WORDS if word.partition("-")[0] not in _TENS), key=len, reverse=True))
SPELLED = re.compile(rf"\b({_COMPOUND}|{_SINGLE})s?\b", re.IGNORECASE)

# A hyphen between figures is no sign: "26-43".
FIGURES = r"(?:(?<![\w.,)])[-−])?\d+(?:,\d{3})*(?:\.\d+)?"
# "One" is a pronoun where no unit follows.
_AMOUNT = re.compile(
    rf"(?:(?P<figures>{FIGURES})"
    rf"|\b(?:(?P<word>{_COMPOUND}|{_SINGLE})s?\b|(?P<one>one|an?)(?=[ -](?:years?|degrees?)\b)))"
    r"(?P<share>\s?%|[\s-]per[\s-]?cent\b)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Amount:
    """A number in a text. digits: as a reader would write it in figures, with the sign of a share in per cent."""

    start: int
    end: int
    shown: str
    digits: str

    @property
    def in_words(self) -> bool:
        return self.shown[0].isalpha()

    @property
    def share(self) -> bool:
        return not self.digits[-1].isdigit()


def amounts(text: str) -> tuple[Amount, ...]:
    return tuple(_amount(match) for match in _AMOUNT.finditer(text))


def _amount(match: re.Match[str]) -> Amount:
    plain = match["figures"] or str(IN_WORDS.get((match["word"] or "").lower(), 1))
    return Amount(match.start(), match.end(), match[0], plain + ("%" if match["share"] else ""))


def reads_as(numbers: Iterable[float], written: str) -> bool:
    """Whether any of the numbers, rounded to the decimals that were written, is what was written.

    A sign that is written must be that of the number; one that is not may be in the words ("to the left").
    """
    times = 1 if written[-1].isdigit() else 100  # a share, written in per cent
    digits = re.sub(r"[^\d.−-]", "", written).replace("−", "-")
    decimals = len(digits.partition(".")[2])
    half = 0.5 * 10.0**-decimals * (1 + 1e-9)
    shown = float(digits)
    if digits.startswith("-"):
        return any(abs(times * number - shown) <= half for number in numbers)
    return any(abs(times * abs(number) - shown) <= half for number in numbers)
