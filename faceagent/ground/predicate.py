"""What a clause says must be what was held against evidence.

A word that is harmless between findings is a statement where it is all that is said: "Yes", "Face 1.1 looks reliable",
"Face 1.1 = face 2.1". So a clause needs a finding, a number, a quotation or an open question; what stands after "is" or
"looks" is one of these or a word of examining; and a sign that is no letter, digit or mark of punctuation is refused.
"""

from __future__ import annotations

import re
from functools import cache

from faceagent.ground.amount import SPELLED
from faceagent.ground.phrase import sayings_in, standing
from faceagent.ground.sentence import REFERENCE, Clause, Said
from faceagent.ground.wording import WORD, Words, idiom

_SIGN = re.compile(r"[:;][-o]?[()]|[^\w\s.,:;!?()“”'’%°+−–-]|(?![0-9])\d")
_HELD, _NAMED = "·", "§"
_FIGURE = re.compile(r"“”|\d")


def unheld(said: Said) -> str | None:
    """A clause that says what was not held against evidence, or nothing that was."""
    if standing(said):
        return None
    if reason := strange_sign(said.plain):
        return reason
    for clause in said.clauses:
        text = _masked(said, clause)
        if reason := bare_answer(clause.text) or loose_predicate(text):
            return reason
        if _HELD not in text and (idiom("weighs").search(text) or not (_FIGURE.search(text) or only_names(text))):
            return f"{clause.text!r} says nothing that the cited evidence measures: leave it out"
    return None


def strange_sign(text: str) -> str | None:
    """A sign that stands for words which nobody can check: "=", a tick, a picture of a man."""
    found = _SIGN.search(text)
    return f"the sign {found[0]!r} is no word: say in words what the evidence says" if found else None


def bare_answer(text: str) -> str | None:
    """ "Yes", "That is right", "They do": the evidence does not hold the question that they answer."""
    found = idiom("answers").match(text)
    return f"{found[0]!r} answers a question that no evidence holds: say what the evidence says" if found else None


def loose_predicate(text: str) -> str | None:
    """What is said to be so, in a text without its findings, and is no word of examining."""
    for verb in (*idiom("is_said").finditer(text), *_going_on().finditer(text)):
        rest = _adverbs().sub("", text[verb.end() :], count=1)
        word = WORD.match(rest)
        if word and not (idiom("examined").match(rest) or idiom("is_said").match(rest)):
            return f"{word[0]!r} after {verb[0].strip(_HELD)!r} says something that no cited evidence measures"
    return None


@cache
def _going_on() -> re.Pattern[str]:
    """Where something else is said of the same: "sharp and …", "sharp, …", "34 years old and …"."""
    joined = "(?:and|or|but|yet|though)"
    figure = r"\d(?: (?:years?|pixels|degrees|seconds|%))?(?: old| wide| apart)?"
    return re.compile(
        rf"(?:{_HELD}(?:,? {joined}|,(?! {joined} ))|{figure},? {joined})(?= )(?! {idiom('goes_on').pattern})",
        re.IGNORECASE,
    )


@cache
def _adverbs() -> re.Pattern[str]:
    """What may stand between a verb and what it says, at the start of the rest of a clause, if anything."""
    return re.compile(rf"\A(?:\s*{idiom('adverbs').pattern})*\s*", re.IGNORECASE)


_HELD_ELSEWHERE = ("equal", "comparing", "events", "leaves_open", "looked_into", "in_general", "side", "beside")


def without_findings(text: str, words: Words) -> str:
    """A text with what is held elsewhere struck out: phrases, comparisons, what is left open."""
    spans = [
        (*match.span(), _NAMED) for name in ("not_comparisons", "contrast") for match in idiom(name).finditer(text)
    ]
    spans += [(one.start, one.start + len(one.text), _HELD) for one in sayings_in(text, words)]
    for pattern in (words.compared, *map(idiom, _HELD_ELSEWHERE)):
        spans += [(*match.span(), _HELD) for match in pattern.finditer(text)]
    for start, end, mark in spans:
        text = text[:start] + mark * (end - start) + text[end:]
    return REFERENCE.sub(_NAMED, text)


def _masked(said: Said, clause: Clause) -> str:
    text = clause.text
    for row in said.cited:
        if row.threshold is not None:
            text = text.replace(row.threshold.meaning, _HELD)
    text = without_findings(text, said.words)
    if said.claim.attribute == "face_count":
        text = idiom("counted").sub(_HELD, text)
    for row in said.cited:
        text = re.sub(rf"\b{row.attribute.replace('_', ' ')}\b", _NAMED, text)
    return SPELLED.sub(_HELD, text)


def only_names(text: str) -> bool:
    """Whether a clause says nothing yet: "the records in the files of image 1", "eyes, nose and mouth"."""
    return not WORD.search(idiom("named").sub(" ", text))
