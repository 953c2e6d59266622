"""Sentences that cite nothing: what a controller says of itself, and what it says could not be established."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faceagent.ground.amount import SPELLED
from faceagent.ground.certainty import overclaim
from faceagent.ground.phrase import Found, left_open, sayings_in
from faceagent.ground.predicate import bare_answer, loose_predicate, only_names, strange_sign, without_findings
from faceagent.ground.sentence import REFERENCE, Said
from faceagent.ground.vocabulary import known_word
from faceagent.ground.wording import WORD, Words, general, idiom
from faceagent.types import Claim

_OF_THE_ASSISTANT = frozenset(
    (
        *("please", "hello", "sorry", "thanks", "help", "ask", "clarify", "offer", "install", "installation"),
        *("task", "tool", "explain", "explanation", "version", "know", "understand", "want"),
        *("again", "available", "unavailable", "able", "unable", "middle", "whom"),
    )
)

_IS_OPEN = re.compile(r"\b(?:is|are) (?:still )?open(?=[\s.!]*$)", re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow many \w+", re.IGNORECASE)
_THAT_IT_IS = re.compile(r"\bthat (?:face|image|the|it|they|he|she|both|this|these|there)\b", re.IGNORECASE)


def aside(sentence: str, words: Words | None = None) -> str | None:
    """Why a sentence without evidence may not be said, or None where it states nothing of any face or photo.

    It may say that something is open, speak of the assistant, or ask; it may hold no number, no finding, no certainty
    and no word beyond plain English and the names of attributes (`words`; by default those of this package).
    """
    said = Said(Claim(sentence=sentence, subject="", attribute="", evidence=("e0",)), (), (), words=words)
    if reason := overclaim(said) or strange_sign(said.plain):
        return reason
    findings: list[str] = []
    for clause in said.clauses:
        found = sayings_in(clause.text, said.words)
        if reason := _stated(clause.text, found, said.words, asks=sentence.rstrip().endswith("?")):
            return reason
        findings += [one.text for one in found]
    text = REFERENCE.sub(" ", said.plain)
    for one in findings:
        text = text.replace(one, " ")
    if any(character.isdigit() for character in text) or SPELLED.search(text):
        return "a number needs evidence: make the sentence a claim"
    known = general() | _OF_THE_ASSISTANT | _named(said.words)
    unknown = [word for word in WORD.findall(text) if not known_word(word.lower(), known)]
    return f"{unknown[0]!r} is said without evidence: make the sentence a claim or leave it out" if unknown else None


def _stated(text: str, found: Sequence[Found], words: Words, *, asks: bool) -> str | None:
    """What a clause states, or None where it leaves all open, speaks of the assistant or asks."""
    for one in found:
        if not left_open(text, one, words):
            return f"{one.text!r} is a finding: make it a claim and cite its evidence"
    is_open = bool(idiom("leaves_open").search(text) or _IS_OPEN.search(text))
    if (count := idiom("counted").search(_HOW_MANY.sub(" ", text))) and not is_open:
        return f"{count[0]!r} is a finding: make it a claim and cite its evidence"
    of_itself = idiom("speaks_of_itself").match(text)
    rest = without_findings(_IS_OPEN.sub(" ", text[of_itself.end() :] if of_itself else text), words)
    if reason := bare_answer(text) or loose_predicate(rest):
        return reason
    if of_itself and not _THAT_IT_IS.search(text):
        return None
    if is_open or (asks and only_names(rest)) or _names_a_topic(text, words):
        return None
    return f"{text!r} states something without evidence: make it a claim, or say what is open"


def _names_a_topic(text: str, words: Words) -> bool:
    """ "The age of face 2.1", among what could not be established."""
    plain = REFERENCE.sub(" ", text).lower()
    named = [name.replace("_", " ") for name in words.topics]
    return any(re.fullmatch(rf"(?:the )?{re.escape(name)}(?: of| in)?[\s+.]*", plain) for name in named)


def _named(words: Words) -> frozenset[str]:
    """The words in the names of attributes: of what it may be said that it is open."""
    return frozenset(word for name in words.topics for word in name.split("_"))
