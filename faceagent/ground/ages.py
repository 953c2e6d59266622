"""What a number may be on evidence of an age: the age, both ends of its range, how far off such figures are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from faceagent.ground.amount import Amount, reads_as
from faceagent.types import Evidence

_JOINED = re.compile(r"(?: years?)? ?(?:to|and|[-–—−]) ?", re.IGNORECASE)
_ERROR_BEFORE = re.compile(
    r"(?:\bgive or take|\bplus or minus|±|\+/-|\boff by|\berror (?:of|is))(?: about)? ?$", re.IGNORECASE
)
_ERROR_AFTER = re.compile(r"[ -]years? (?:off|either way)\b", re.IGNORECASE)
_MANY = re.compile(r" (?:photos|faces|people|pairs)\b", re.IGNORECASE)
# "More than 34", "not 34": no evidence says that of an age, but "older than 30" is computed (compare.py).
_NOT_SO = re.compile(
    r"\b(?:more|less|fewer|older|younger|over|under|above|below|beyond|past|outside|least|most|up to|until|off"
    r"|not|never|hardly|scarcely|barely|nowhere|anything|far|without|nobody|no one|none|neither|nor|\w+n['’]t)"
    r"(?: (?!(?:and|but|or)\b)[\w'’-]+){0,3} $",
    re.IGNORECASE,
)
_OF_YEARS = re.compile(r"[ -]*(?:years?|yrs?)\b", re.IGNORECASE)
_OF_AN_AGE = re.compile(r"\b(?:age[ds]?|years of)\b[^\d;()]*$", re.IGNORECASE)
_OF_A_FACE = re.compile(
    r"\b(?:looks?|seems?|appears?|is|are|be|at|around|about)(?: \w+){0,2} ?$|[·:,(] ?$", re.IGNORECASE
)
_ALONE = re.compile(r" ?(?:$|[.,;:)]|(?:old|and|or|to)\b)", re.IGNORECASE)
_OTHER_UNIT = re.compile(
    r"[ -]*(?:°|(?:days?|minutes?|seconds?|moments?|times|degrees?|pixels?|tenths?)\b"
    r"|(?:\w+ )?years? (?:older|younger|before|earlier|later|after|since)\b)",
    re.IGNORECASE,
)
# What stands for the end of a range, or for how far two ages are apart, is not the age.
_OF_AN_END = re.compile(r"\b(?:upper|lower|ends?|starts?|begins?)\b", re.IGNORECASE)
_RANGE_BEFORE = re.compile(r"\b(?:ranges?|interval)\b[^\d;()]*$", re.IGNORECASE)
APART = re.compile(r"\b(?:apart|differ|differs|difference)\b", re.IGNORECASE)
_BY = re.compile(r"\bby (?:about |around |roughly )?$", re.IGNORECASE)


def of_years(text: str, amount: Amount, *, of_age: bool) -> bool:
    """Whether an amount is given for an age. of_age: whether that is what the claim is on."""
    before, after = text[: amount.start], text[amount.end :]
    if _OF_YEARS.match(after) or _OF_AN_AGE.search(before):
        return True
    return of_age and bool(_OF_A_FACE.search(before) and _ALONE.match(after))


def years(rows: Sequence[Evidence], text: str, amounts: Sequence[Amount], place: int) -> Iterator[float]:
    """The numbers of evidence on ages that an amount may be, by what stands around it."""
    amount = amounts[place]
    before, after = text[: amount.start], text[amount.end :]
    if APART.search(text) or _BY.search(before):
        return
    for row in rows:
        if amount.share:
            yield from _shares(row, text, amounts)
        elif _MANY.match(after):
            yield from (float(found) for found in row.details.values() if isinstance(found, int))
        elif _ERROR_BEFORE.search(before) or _ERROR_AFTER.match(after):
            error = row.details.get("mean_error_years")
            yield from (float(error),) if isinstance(error, int | float) else ()
        elif not _OTHER_UNIT.match(after):
            yield from _age(row, text, amounts, place)


def _age(row: Evidence, text: str, amounts: Sequence[Amount], place: int) -> Iterator[float]:
    for first in (place - 1, place):
        if 0 <= first < len(amounts) - 1 and _is_range(row, text, *amounts[first : first + 2]):
            yield _range(row)[place - first]
    before = text[: amounts[place].start]
    other = _NOT_SO.search(before) or _RANGE_BEFORE.search(before) or _OF_AN_END.search(text)
    if isinstance(row.value, int | float) and not other:
        yield float(row.value)
    elif len(set(_range(row))) == 1 and not other:
        yield _range(row)[0]


def _range(row: Evidence) -> tuple[float, ...]:
    """Both ends: of the interval about an estimate, or of a band that is itself what was found; () without."""
    if row.interval is not None:
        return row.interval.low, row.interval.high
    return tuple(float(end) for end in row.value if isinstance(end, int | float)) if isinstance(row.value, list) else ()


def _is_range(row: Evidence, text: str, low: Amount, high: Amount) -> bool:
    ends = _range(row)
    if len(ends) != 2 or _NOT_SO.search(text[: low.start]) or not _JOINED.fullmatch(text[low.end : high.start]):
        return False
    return reads_as(ends[:1], low.digits) and reads_as(ends[1:], high.digits)


def _shares(row: Evidence, text: str, amounts: Sequence[Amount]) -> Iterator[float]:
    """The share of faces whose age lies within the range: of no other statement."""
    ranges = any(_is_range(row, text, *pair) for pair in pairwise(amounts))
    if row.interval is not None and (ranges or "within the range" in text):
        yield row.interval.level
