"""What others wrote of a photo (captions, annotations, the text beside it on the web), told as theirs.

A caption or an annotation of a face may be an answer, as a quotation. What stood beside a photo on the web names
people: it stands in the question, and the answer is that a face does not bear it out. Sentences that the policy
declines are dropped, those on ethnicity or expression where the recipe states no purpose that opens them, and those
that read like instructions: a text is data, and a model that learns to repeat them learns to give them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from faceagent import policy
from faceagent_finetune.corpus.conversation import ABSTAINED, Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.labelled import Facts, LabelledPhoto
from faceagent_tools.emotion_words import WORDS

_MOST = 600  # characters of a quotation
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
# Marks of chat templates: <image>, <|im_end|>, [INST].
_MARKUP = re.compile(r"[<\[{|]+[^<>\[\]{}|]{0,40}[>\]}|]+|[<>{}|\[\]]")
_ORDERS = policy.any_of(
    [
        r"(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|above|previous|prior)",
        r"(?:system|developer) (?:prompt|message)",
        r"you are (?:now|an? (?:ai|assistant|language model))",
        r"as an ai",
        r"(?:assistant|user|system) ?:",
        r"(?:say|answer|reply|respond|output|write) (?:only|that|with|yes|no)",
        r"https?://\S+",
        r"www\.\S+",
    ]
)
_ETHNICITIES = r"""ethnic\w*|races?|racial\w*|asians?|caucasians?|african\w*|hispanics?|latin[oax]s?|indians?|arab\w*
    |middle[- ]eastern\w*|(?:white|black|brown)[ ](?:man|woman|male|female|person|girl|boy)"""
_EMOTIONS = [r"emotion\w*", r"expressions?", r"moods?", r"feel\w*", r"joy\w*", r"cheerful\w*", "serene", "calm"]
_CLOSED = {
    "ethnicity": policy.any_of(["".join(line.strip() for line in _ETHNICITIES.splitlines())]),
    "emotion": policy.any_of([*WORDS, *WORDS.values(), *_EMOTIONS]),
}


def quoted(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """One conversation a photo, where something of what was written remains; it states the purpose that this takes."""
    made = 0
    for photo in talk.shuffled(photos):
        turn = _turn(photo, talk) if made < most else None
        if turn is not None:
            made += 1
            yield Conversation("quoted", (Picture.of(photo),), (turn,), _stated(photo, talk))


def _source(facts: Facts) -> str | None:
    return next((name for name in ("caption", "annotation", "alt text") if name in facts), None)


def _stated(photo: LabelledPhoto, talk: Talk) -> str | None:
    """The purpose, as a conversation states it; None where what is quoted needs none."""
    written = (photo.facts.get(name, "") for name in (_source(photo.facts), "question") if name)
    if talk.purpose is None or all(kept(text, None) == kept(text, talk.purpose) for text in written):
        return None
    return talk.voice.say("purpose.system", purpose=talk.purpose)


def _turn(photo: LabelledPhoto, talk: Talk) -> Turn | None:
    """None where nothing was written, or nothing of it may be repeated."""
    facts, voice = photo.facts, talk.voice
    source = _source(facts)
    text = kept(facts[source], talk.purpose) if source else ""
    if not text:
        return None
    if source == "caption":
        return Turn(voice.say("quoted.ask"), voice.quote("quoted.caption", text), source, "quoted")
    if source == "annotation":
        question = plain(facts["question"])
        may = kept(question, talk.purpose) == question
        return Turn(question, voice.quote("quoted.annotation", text), source, "quoted") if may else None
    return Turn(voice.quote("quoted.shown", text), voice.say("quoted.unproven"), "alt text", ABSTAINED)


def plain(text: str) -> str:
    """A text in one line, without marks of markup or chat templates, and not longer than is quoted."""
    readable = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    flat = _MARKUP.sub(" ", readable).replace("“", "'").replace("”", "'").replace('"', "'")
    words = " ".join(flat.split())
    return words if len(words) <= _MOST else words[:_MOST].rpartition(" ")[0]


def kept(text: str, purpose: str | None) -> str:
    """The sentences of a text that may be repeated; "" where none may."""
    return " ".join(sentence for sentence in _SENTENCE.split(plain(text)) if sentence and _may(sentence, purpose))


def _may(sentence: str, purpose: str | None) -> bool:
    closed = (topic for topic in _CLOSED if not policy.opens(purpose, topic))
    if policy.declined(sentence) or _ORDERS.search(sentence):
        return False
    return not any(_CLOSED[topic].search(sentence) for topic in closed)
