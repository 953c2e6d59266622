"""Whether a question states that whoever is to be enrolled agreed to it, in the words of consent.toml.

A clause has to begin with the statement: what somebody asks, expects, doubts, has heard or was told begins otherwise.
Nothing may take it back, in its clause, its sentence or elsewhere. What is not sure is no consent, and is asked about.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise, takewhile
from typing import Any

_PERSON = "§"
"""Stands for the name: its words say nothing of consent, whatever they are."""
_WORDED = ":"
"""Begins a clause that another one words: "fill in: she agreed" states nothing."""
_SLOT = re.compile(r"<(\w+)>")
# The point of "am 2. Mai" ends no sentence, and neither do three points, which may lead to a doubt.
_MONTH = "jan|feb|mär|apr|mai|jun|jul|aug|sep|okt|nov|dez"
_SENTENCE = re.compile(
    rf"(?<=[!?;])\s+|(?<=[。！？；])|(?:(?<=[^.\d]\.)|(?<=\d\.)(?!\s+(?:{_MONTH}|\d))|(?<=[.!?][”\"»“]))\s+"
)
_CLAUSE = re.compile(r"\s*(?:[,()，、（）—–]|\s-+\s|\.{2,}|…)\s*")
_ASKS = re.compile(r"[?？¿]")
_END = " .!?;。！？；¡¿"
_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+")
_SHORT = 4
"""Words of a sentence that only adds to the one before: "She agreed. Or so I think."."""


def states_consent(question: str, name: str) -> bool:
    """Whether a question states that the person agreed.

    Args:
        name: under which the person is to be enrolled; may be empty.
    """
    text = _read(question, name)
    sentences = [sentence for sentence in _SENTENCE.split(text) if sentence]
    clauses = [_clauses(sentence) for sentence in sentences]
    if _phrases()["ended"].search(text) or any(_denied(clause) for row in clauses for clause in row):
        return False
    own = bool(_phrases()["speaker"].search(text))
    follows = pairwise((*sentences, ""))
    return any(_stated(sentence, row, after, own=own) for row, (sentence, after) in zip(clauses, follows, strict=True))


def _read(question: str, name: str) -> str:
    """A question in small letters, with `_PERSON` for the name and for a pronoun that goes on from it."""
    text = " ".join(question.replace("’", "'").split())
    name = name.replace("’", "'")
    if name:
        text = re.sub(rf"[“„\"«»「『]\s?{re.escape(name)}\s?[”“\"»«」』]", _PERSON, text)
    for part in (name, *name.split()):
        # "Anna Bell … Anna agreed"; a name that could say something else stays, unless it was in quotation marks.
        if len(part) > 1 and part[0].isupper() and not _weighs(part):
            text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", _PERSON, text)
    text = text.replace(f"{_PERSON} {_PERSON}", _PERSON).lower()
    text = re.sub(rf"({_alternatives('headed')})\s*[:：]\s*", r"\1 = ", text)
    text = re.sub(rf"({_alternatives('leads')})\s*[:：]", r"\1,", text)
    text = re.sub(r"\s*[:：]\s*", f", {_WORDED} ", text)
    # "However, …" is one clause.
    text = re.sub(rf"([,.;!?，。；] ?(?:{_alternatives('goes_on')}))[,，]", r"\1", text)
    return re.sub(rf"(?<={_PERSON})[,，]? ?[(（]?(?:{_alternatives('relative')}) ?", f", {_PERSON} ", text)


def _weighs(word: str) -> bool:
    return any(_phrases()[key].search(word.lower()) for key in ("not", "open", "doubts", "ended"))


def _clauses(sentence: str) -> list[str]:
    parted = (part for clause in _CLAUSE.split(sentence) for part in _phrases()["joins"].split(clause))
    return [clause for part in parted if (clause := part.strip(_END))]


def _denied(clause: str) -> bool:
    return bool(_phrases()["not"].search(clause) and _phrases()["about"].search(clause))


def _stated(sentence: str, clauses: Sequence[str], after: str, *, own: bool) -> bool:
    """Whether a sentence has a statement.

    Args:
        after: the next sentence.
        own: whoever asks is to be enrolled.
    """
    phrases = _phrases()
    if phrases["doubts"].search(_without_other_questions(sentence)) or _adds_doubt(after):
        return False
    asks = _ASKS.search(sentence)
    if asks and not phrases["bids"].match(sentence):
        return False
    for place, clause in enumerate(clauses):
        # "Could you enrol her as Anna, who agreed?" asks for her enrolment, "…, she agreed?" for more than that.
        if asks and not clause.startswith(_PERSON):
            continue
        rest = _rest(clause, own=own)
        if rest is None:
            continue
        said = (rest, *takewhile(_goes_on, (*clauses[place + 1 :], *_clauses(after))))
        if not any(phrases[key].search(text) for key in ("not", "open") for text in said):
            return True
    return False


def _without_other_questions(sentence: str) -> str:
    """A sentence without what it asks indirectly of something else: "and tell me whether the photo is sharp"."""
    about = _phrases()["about"]
    return _phrases()["asks"].sub(lambda asked: asked[0] if about.search(asked[0]) else "", sentence).strip(_END)


def _goes_on(clause: str) -> bool:
    return clause.startswith(_WORDED) or bool(_phrases()["goes_on"].match(clause))


def _adds_doubt(sentence: str) -> bool:
    words = len(_WORD.findall(sentence))
    weighs = any(_phrases()[key].search(sentence.strip(_END)) for key in ("not", "open", "doubts"))
    return 0 < words <= _SHORT and (weighs or bool(_ASKS.search(sentence)))


def _rest(clause: str, *, own: bool) -> str | None:
    """What a clause says besides its statement, None where it has none."""
    phrases = _phrases()
    if clause.startswith(_WORDED):
        return None
    while lead := phrases["leads"].match(clause):
        clause = clause[lead.end() :].lstrip()
    given = phrases["given"].match(clause) or (phrases["own"].match(clause) if own else None)
    if given:
        return clause[given.end() :]
    if bid := phrases["bids"].match(clause):
        clause = clause[bid.end() :]
    given = phrases["with"].search(clause)
    if given is None or phrases["tells"].search(clause[: given.start()]):
        return None
    return f"{clause[: given.start()]} {clause[given.end() :]}"


@cache
def _phrases() -> Mapping[str, re.Pattern[str]]:
    """Phrases of all languages, by what they are for: a question may mix them."""
    return {key: re.compile(_alternatives(key)) for key in next(iter(_languages()))["phrases"]}


@cache
def _languages() -> Sequence[Mapping[str, Any]]:
    text = files("faceagent.controllers").joinpath("consent.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text).values())


@cache
def _alternatives(key: str) -> str:
    return "|".join(_of_language(key, table) for table in _languages())


def _of_language(key: str, table: Mapping[str, Any]) -> str:
    phrase = "|".join(table["phrases"].get(key, ())) or "(?!)"
    while _SLOT.search(phrase):
        phrase = _SLOT.sub(lambda slot: table["words"][slot[1]], phrase)
    return rf"(?<!\w)(?:{phrase})(?:(?!\w)|(?<!\w))" if table.get("spaced", True) else f"(?:{phrase})"
