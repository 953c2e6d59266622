"""Sentences that cite nothing: what a controller says of itself, and what it says could not be established."""

from __future__ import annotations

from faceagent.ground.certainty import overclaim
from faceagent.ground.figures import SPELLED
from faceagent.ground.phrase import sayings_in
from faceagent.ground.sentence import REFERENCE, Said
from faceagent.ground.vocabulary import known_word
from faceagent.ground.wording import WORD, Words, general, idiom
from faceagent.types import Claim

_OF_THE_ASSISTANT = frozenset(
    (
        *("please", "hello", "sorry", "thanks", "help", "ask", "clarify", "offer", "install", "installation"),
        *("task", "tool", "explain", "explanation", "version", "know", "understand", "want"),
    )
)


def aside(sentence: str, words: Words | None = None) -> str | None:
    """Why a sentence without evidence may not be said, or None where it states nothing of any face or photo.

    It may name faces and photos and say that something is open; it may hold no number, no finding, no certainty and no
    word beyond plain English and the names of attributes (`words`; by default those of this package).
    """
    said = Said(Claim(sentence=sentence, subject="", attribute="", evidence=("e0",)), (), (), words=words)
    if reason := overclaim(said):
        return reason
    findings: list[str] = []
    for clause in said.clauses:
        found = sayings_in(clause.text, said.words)
        if found and not idiom("leaves_open").search(clause.text):
            return f"{found[0].text!r} is a finding: make it a claim and cite its evidence"
        findings += [one.text for one in found]
    text = REFERENCE.sub(" ", said.plain)
    for one in findings:
        text = text.replace(one, " ")
    if any(character.isdigit() for character in text) or SPELLED.search(text):
        return "a number needs evidence: make the sentence a claim"
    known = general() | _OF_THE_ASSISTANT | {word for name in said.words.topics for word in name.split("_")}
    unknown = [word for word in WORD.findall(text) if not known_word(word.lower(), known)]
    return f"{unknown[0]!r} is said without evidence: make the sentence a claim or leave it out" if unknown else None
