"""What a negation bears on: what follows it up to the next comma, and every item of a list that it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from faceagent.ground.phrase import Found, sayings_in, without_sayings
from faceagent.ground.sentence import REFERENCE
from faceagent.ground.wording import Words, idiom

_FINITE = (
    "is|are|was|were|has|does|do|did|can|could|will|would|may|wears|smiles|looks|shows|seems|appears|bears|carries"
)
_PLURAL = "have|wear|smile|look|show|seem|appear|bear|carry|smiling|wearing|having|looking|showing"
_OWN = r"(?:(?:also|still|then|clearly) )*(?:(?:the|their|his|her|its|he|she|it|they) (?:\w+ ){0,3}?)?"
_NEXT = r"\b(?:and|or|but)\s+"
_ANEW = re.compile(rf"{_NEXT}(?=(?:no|not|without)\b|{_OWN}(?:{_FINITE})\b)|\b(?=nor\b)", re.IGNORECASE)
_SECOND = re.compile(rf"{_NEXT}(?={_OWN}(?:{_PLURAL})\b)", re.IGNORECASE)
_OR = re.compile(r"\bor\s+$", re.IGNORECASE)
_STOPS = ",;:("
_LISTED = re.compile(r"\bno\b[^.;]*\band $", re.IGNORECASE)


def negations(text: str, end: int, words: Words) -> int:
    """How many negations bear on what follows at `end`."""
    start = _begins_anew(text, end)
    if "neither" not in text[start:end].lower():
        earlier = _before_a_comma(text, end, words)
        bears = earlier is not None and _in_its_list(text, earlier, end, words)
        start = max(start, _part(text, earlier.start() if earlier and bears else end))
    before = text[start:end]
    count = len(idiom("negation").findall(before))
    # "No thumbnail" is a phrase of its own, and so is what is said not to be so.
    return 0 if count == 1 and re.match(r"no\b", text[end:], re.IGNORECASE) and _LISTED.search(before) else count


def affirmed(text: str, words: Words) -> Iterator[tuple[Found, bool]]:
    """The phrases in a clause, each with whether it is affirmed."""
    for found in sayings_in(text, words):
        yield found, negations(text, found.start, words) == 0


def _part(text: str, end: int) -> int:
    """Where the part begins, after a comma or the like, in which `end` lies."""
    return max(text.rfind(stop, 0, end) for stop in _STOPS) + 1


def _begins_anew(text: str, end: int) -> int:
    """Where that begins which has a verb or a negation of its own and goes on to `end`.

    "No glasses and no beard", "no hat and smiles", "the eyes are not wide open and the mouth is closed". What is denied
    with "or" is a thing: "no beard or smile".
    """
    anew = [match.end() for match in _ANEW.finditer(text) if match.end() <= end]
    thing = end if _OR.search(text[:end]) else end + 1
    second = [match for match in _SECOND.finditer(text) if match.end() < thing]
    anew += [match.end() for match in second if _denies_a_thing(text[: match.start()])]
    return max(anew, default=0)


def _denies_a_thing(text: str) -> bool:
    """ "They wear no hats and smile" has a second verb; in "they do not frown and smile" "not" bears on both."""
    denied = idiom("negation").findall(text)
    return bool(denied) and denied[-1].lower() in ("no", "without")


# Over a comma: "no sign of a smile, a beard or glasses"

_PLAINLY = re.compile(r"no|not|never|without|cannot|lacks?|lacking|\w+n['’]t", re.IGNORECASE)
_VERB = re.compile(rf"\b(?:{_FINITE}|{_PLURAL})\b|n['’]t\b|\b(?:cannot|lacks?)\b", re.IGNORECASE)
_ITEM = (
    r"(?:(?:an?|any|the|of|signs?|traces?|be|have|wear|show|having|wearing|showing|(?:seem|appear) to) )*·+(?![\w·-])"
)
_LIST = re.compile(rf" {_ITEM}(?:, {_ITEM})*,? n?or {_ITEM}", re.IGNORECASE)
_LIST_ENDS = re.compile(
    rf"(?: (?:in|on|of) (?:(?:the|this|that) )?(?:{REFERENCE.pattern}|\w+))*"
    rf"(?:[\s.,!?]*$| and (?={_OWN}(?:{_FINITE}|{_PLURAL})\b))",
    re.IGNORECASE,
)
_SAYS = re.compile(rf"\b(?:{_FINITE})\b", re.IGNORECASE)
_DO = re.compile(rf"(?:^|,|\bor\b)\s*{_OWN}(?:{_PLURAL})\b", re.IGNORECASE)


def unclear(text: str, start: int, words: Words) -> bool:
    """Whether a negation before a comma may or may not bear on what stands at `start`: "no hat, a beard"."""
    earlier = _before_a_comma(text, start, words)
    return earlier is not None and not _in_its_list(text, earlier, start, words)


def _before_a_comma(text: str, start: int, words: Words) -> re.Match[str] | None:
    """The last negation before a comma where nothing but commas lies between it and what stands at `start`.

    None where that has a verb or a negation of its own: "no hat, it has a beard", "no hat, smiles", "no hat, no beard".
    """
    hidden, comma = _hidden(text, words), text.rfind(",", 0, start)
    begins = max(_begins_anew(text, start), *(text.rfind(stop, 0, start) + 1 for stop in ";:("))
    found = [match for match in idiom("negation").finditer(hidden) if begins <= match.start() < start]
    if not found or found[-1].end() > comma or "neither" in text[begins:start].lower():
        return None
    last, end = hidden[comma + 1 : start], len(text) - len(hidden[start:].lstrip("·"))
    if _SAYS.search(last) or (_denies_a_thing(text[:comma]) and _DO.match(last)):
        return None
    # "Smiles" are things in "no hats, smiles or glasses".
    return None if _SAYS.search(text, comma, end) and not _listed(text, found[-1], start, words) else found[-1]


def _listed(text: str, negation: re.Match[str], start: int, words: Words) -> re.Match[str] | None:
    """The list that follows a negation at once, where what stands at `start` is in it."""
    listed = _LIST.match(_hidden(text, words), negation.end())
    return listed if listed and start < listed.end() else None


def _in_its_list(text: str, negation: re.Match[str], start: int, words: Words) -> bool:
    """Whether what stands at `start` is in a list that a negation begins, and that says nothing else."""
    part, listed = _part(text, negation.start()), _listed(text, negation, start, words)
    if not listed or not _LIST_ENDS.match(text, listed.end()) or not _PLAINLY.fullmatch(negation[0]):
        return False
    if part and not _VERB.search(text, part, negation.end()):
        return False
    items = text[text.index(",", negation.end()) : listed.end()]
    return not _SAYS.search(items) and not (_denies_a_thing(text[: negation.end()]) and _DO.search(listed[0]))


@lru_cache(maxsize=256)
def _hidden(text: str, words: Words) -> str:
    """A text of the same length with dots for its phrases and quotations, and no word that leaves something open."""
    hidden = without_sayings(text, words)
    for match in idiom("leaves_open").finditer(text):
        hidden = hidden[: match.start()] + "~" * len(match[0]) + hidden[match.end() :]
    return hidden.replace("“”", "··")


# Broken off: "not, in this photo, blurred"


def hangs(text: str, found: Found, words: Words) -> bool:
    """Whether a negation breaks off before it has negated anything."""
    begins = _begins_anew(text, found.start)
    before = idiom("leaves_open").sub(lambda part: "·" * len(part[0]), text[begins : found.start])
    for match in _hanging().finditer(before):
        start, end = begins + match.start(), begins + match.end()
        if not any(start < one.start + len(one.text) and one.start < end for one in sayings_in(text, words)):
            return True
    return False


@cache
def _hanging() -> re.Pattern[str]:
    return re.compile(rf"{idiom('negation').pattern}(?:\s+[^\s{_STOPS}]+){{0,2}}\s*[,(]", re.IGNORECASE)
