"""Quotations: each must be a whole text of the cited evidence, and none may name a face that was not recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from faceagent.ground.amount import amounts, reads_as
from faceagent.ground.negation import negations, unclear
from faceagent.ground.sentence import QUOTED, Clause, Said
from faceagent.ground.wording import Words, idiom
from faceagent.tool import QUOTES_FILES, printable
from faceagent.types import Evidence

_MARKS = "“”"


def unknown_quotation(said: Said) -> str | None:
    """A quotation that no evidence on its subject holds, or a name given to a face that is not known to bear it."""
    for place, (clause, start, quote) in enumerate(_quotations(said)):
        if not quote:
            continue
        rows = said.concerned(clause)
        if not any(quote in _quotable(row) for row in rows):
            where = "none of the cited evidence" if quote not in _all(said) else "no evidence on what it is said of"
            return f"the quotation “{quote}” is in {where}"
        if reason := _wrong_name(said, clause, start, quote, said.plain.split(_MARKS)[place + 1]):
            return reason
    return _unmarked_name(said)


def _unmarked_name(said: Said) -> str | None:
    """A name without quotation marks, whose words may all be plain English: "Face 1.2 is Will May"."""
    for row in said.cited:
        for name in _names(row) if row.attribute in _NAMING else ():
            if isinstance(name, str) and name[:1].isupper() and re.search(rf"\w {re.escape(name)}(?!\w)", said.text):
                return f"{name} is a name: put it in “ and ”"
    return None


def _quotations(said: Said) -> Iterator[tuple[Clause, int, str]]:
    """Each “” of the sentence: its clause, where it stands in that, and what is quoted."""
    for clause in said.clauses:
        for match, quote in zip(re.finditer(_MARKS, clause.text), clause.quoted, strict=True):
            yield clause, match.start(), quote


def _all(said: Said) -> set[str]:
    return {text for row in said.cited for text in _quotable(row)}


def _quotable(row: Evidence) -> set[str]:
    """Text of files, and names; of tools that read neither only what stands in the details by itself: no finding."""
    if row.tool in QUOTES_FILES or row.attribute in _NAMING:
        held = [*texts(row.value), *texts(row.details)]
    else:
        held = [text for text in row.details.values() if isinstance(text, str)]
    held += [row.reason, row.reason.rstrip(".")] if row.reason else []
    inner = [quote[1:-1] for text in held for quote in QUOTED.findall(text)]
    return {shown for text in (*held, *inner) for shown in (text, str(printable(text)))}


def texts(value: JsonValue) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


# Who a face is

_NAMING = ("identity", "protected_identity")
_DENIED = re.compile(r"\b(?:shows?|match(?:es)?|seem to be|look like|n?or|not) $", re.IGNORECASE)
_FLATLY = re.compile(r"\b(?:is|are|was|were) not $", re.IGNORECASE)
_PROTECTED = re.compile(r" (?:is|as) an? protected person\b", re.IGNORECASE)
# "Of those enrolled, “…” comes first for face 1.2, but is not alike enough to be named"
_SPOKEN_OF = re.compile(r"(?:^|[,(]|\b(?:and|nor)) ?$", re.IGNORECASE)
_NOT_ALIKE = re.compile(
    r"(?: (?:comes|is) (?:the )?(?:first|nearest)(?: (?:for|to|of|among|in) [^;“”,]*?)?,? but)?(?: is)?"
    r" not (?:\w+ )?alike enough\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\b(?:first|nearest)\b", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\s*\([^()\d]*(?=\d)")


def _wrong_name(said: Said, clause: Clause, start: int, quote: str, after: str) -> str | None:
    """Why a quotation may not be said of who is shown. after: what follows it, up to the next one."""
    faces = [one for one in clause.subjects if one.startswith("face ")] or [*said.subjects]
    for attribute, judged in (("identity", _not_recognised), ("protected_identity", _not_the_protected)):
        rows = {face: [row for row in said.of(face, attribute) if quote in _names(row)] for face in faces}
        if any(rows.values()):
            if lacking := [face for face, found in rows.items() if not found]:
                return f"no cited evidence names “{quote}” for {lacking[0]}"
            if unclear(clause.text, start, said.words):
                return f"it is not clear whether “{quote}” is negated: say it in one plain sentence"
            reasons = (
                judged(row, quote, clause.text, start, after, said.words) for found in rows.values() for row in found
            )
            return next(filter(None, reasons), None)
    if _says_who(clause.text, start) and quote not in _alike(said, clause.text[:start]):
        return f"“{quote}” is not known to be who is shown: no cited evidence looks faces up"
    return None


def _not_recognised(row: Evidence, quote: str, text: str, start: int, after: str, words: Words) -> str | None:
    """A name is borne out where it is the first of the candidates and the evidence supports that."""
    place, one = _names(row).index(quote), chance_of(row, quote)
    bracket = _IN_BRACKETS.match(after)
    if bracket and one is not None and not reads_as((one,), amounts(after[bracket.end() :])[0].digits):
        return f"{row.id} gives “{quote}” the probability {one:g}"
    if _PROTECTED.match(after):
        return None if _candidates(row)[place].get("protected") else f"“{quote}” is no protected person by {row.id}"
    alike, before = _alike_enough(row, place), text[:start]
    if _SPOKEN_OF.search(before) and (found := _NOT_ALIKE.match(after)):
        wrong = alike or (place > 0 and _FIRST.search(found[0]))
        return f"{row.id} says otherwise of “{quote}”" if wrong else None
    if idiom("leaves_open").search(text):
        return None if alike and row.value == "undecided" else f"the sentence leaves open what {row.id} decides"
    if negations(text, start, words) == 1:
        wrong = alike or _FLATLY.search(before) or not _DENIED.search(before)
        return f"{row.id} does not bear out that “{quote}” is not who {row.subject} shows" if wrong else None
    return None if row.value == "supported" and place == 0 else f"{row.id} does not name “{quote}” for {row.subject}"


def _alike_enough(row: Evidence, place: int) -> bool:
    """Whether a candidate is above the line of the evidence."""
    if row.value not in ("supported", "undecided"):
        return False
    alike = _candidates(row)[place].get("similarity")
    above = row.threshold is not None and isinstance(alike, int | float) and row.threshold.holds(alike)
    return place == 0 or above


def _candidates(row: Evidence) -> list[Mapping[str, JsonValue]]:
    listed = row.details.get("candidates")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _names(row: Evidence) -> list[JsonValue]:
    if row.attribute == "protected_identity":
        return [row.details.get("name")]
    return [one.get("name") for one in _candidates(row)]


def chance_of(row: Evidence, name: str) -> float | None:
    """The probability of one of the candidates of a face; None where there is no such name."""
    found = next((one.get("probability") for one in _candidates(row) if one.get("name") == name), None)
    return float(found) if isinstance(found, int | float) else None


_NOT_SHOWN = re.compile(r"\belse than $", re.IGNORECASE)
_IMITATED = re.compile(r"\bimitation of $", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:likeness|similar|different|compared)\b.*\bphotos? of $", re.IGNORECASE)


def _not_the_protected(row: Evidence, quote: str, text: str, start: int, _: str, words: Words) -> str | None:
    """Whether a photo is of a protected person, of somebody else or an imitation, is said by the value."""
    before = text[:start]
    if _COMPARED.search(before):
        return None
    if idiom("leaves_open").search(text):
        return None if row.value == "undecided" else f"the sentence leaves open what {row.id} decides ({row.value!r})"
    wanted = "other" if _NOT_SHOWN.search(before) else "genuine"
    holds = row.value in ("swap", "synthesised") if _IMITATED.search(before) else row.value == wanted
    denied = negations(text, start, words) == 1
    if holds is denied or row.value in ("undecided", None):
        return f"{row.id} says {row.value!r} of “{quote}”, the sentence something else"
    return None


_OF_A_PERSON = re.compile(
    r"\bface \d+\.\d+|\b(?:faces?|persons?|people|somebody|someone|individuals?|subjects?|wom[ae]n|m[ae]n|girls?|boys?"
    r"|guys?|lad(?:y|ies)|who|whom|whose|she|he|him|hers?|they|them)\b|\b(?:this|that|it|here)(?: is|['’]s)\b"
    r"|\bname (?:is|of)\b",
    re.IGNORECASE,
)
_IN_A_PHOTO = re.compile(
    r"\b(?:photos?|pictures?|images?|videos?)(?: \d+)? (?:(?:is|are|was|shows?|has|contains?) )?(?:of )?“”(?! pixels)"
    r"|“” (?:\w+ ){1,4}?(?:in|on|to|at) (?:the )?(?:photo|picture|image|video|left|right|middle|background|front)",
    re.IGNORECASE,
)
_OF_NOBODY = re.compile(r"\b(?:category|purpose|purpose was stated|copy(?: of image \d+)?)[,:]? $", re.IGNORECASE)
_OF_ITSELF = re.compile(
    r"“”(?:(?:, | and )“”)*"
    r"(?: was (?:not )?(?:enrolled|erased)\b| (?:is a program|are programs)\b|, an? (?:\w+ )?detector\b)",
    re.IGNORECASE,
)


def _says_who(text: str, start: int) -> bool:
    """Whether a quotation that is no name of a candidate may be read as the name of who is shown."""
    itself = _OF_ITSELF.match(text)
    if _OF_NOBODY.search(text[:start]) or (itself and start < itself.end()):
        return False
    return bool(_OF_A_PERSON.search(text) or _IN_A_PHOTO.search(text))


def _alike(said: Said, before: str) -> Sequence[JsonValue]:
    """Who is enrolled and alike enough to somebody who was enrolled now."""
    return [row.details.get("also_like") for row in said.cited] if before.endswith("alike enough to be named ") else []
