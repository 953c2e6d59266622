"""Questions as people might type them: as they were asked (`asked`), or composed of phrases in styles, joined, with
things said around them; and mistyped.

Training composes without end. `held_out` is the set to judge by: phrases and styles that training never sees.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from faceagent_finetune.planner.asked import Asked, asked, misread
from faceagent_finetune.planner.grammar import LANGUAGES, Phrase, bare, filled, phrases, table

_ENGLISH = 0.64  # share of questions
_AS_ASKED = 0.7  # share that is not composed
_TOGETHER = 0.25  # share of those beside which another is asked, and of these beside which a third is
_PHONE = 0.12  # share of those in English that are typed as on a phone
_PLAIN = 0.15  # share of requests in English that are put in the plainest way
_IDLE = 0.18  # questions that are none for this assistant, to one that is
_JOINED = 0.3  # share with more than one request
_ALONE = frozenset({"greeting", "help"})  # counts only where nothing else is asked
_TRIES = 20
_WORDINGS = 400  # of a phrase that are looked at: few have more
_KEYS = {
    key: near
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for key, near in zip(row, (row[1:] + row[-2]), strict=True)
}


@dataclass(frozen=True)
class Question:
    """labels: intents of faceagent/controllers/intents.toml, topics of faceagent/declined.toml, "greeting", "help"."""

    text: str
    labels: frozenset[str]
    language: str
    style: str


class Composer:
    """An endless supply of questions.

    Args:
        held: only phrases and styles that are held out; else only those that are not.
        noise: share of questions with a slip of the keyboard or of case.
        again: how often a question comes that an earlier network misread (`asked.misread`), to once of another.
    """

    def __init__(self, seed: int | str, *, held: bool = False, noise: float = 0.3, again: int = 1) -> None:
        self._rng, self._held, self._noise = random.Random(seed), held, noise
        self._styles = [style for style in table("frames")["style"] if style.get("held", False) == held]
        self._groups = {language: _groups(language, held) for language in LANGUAGES}
        self._plain = [phrase for phrase in phrases() if phrase.plain and not held]
        self._asked: dict[str, list[Asked]] = {language: [] for language in LANGUAGES}
        for one in asked():
            if not (one.held or held):
                self._asked[one.language] += [one] * (again if one.text in misread() else 1)
        self._foreign = [language for language in LANGUAGES[1:] if self._groups[language]]

    def question(self, language: str | None = None) -> Question:
        rng = self._rng
        if language is None:
            language = "en" if rng.random() < _ENGLISH else rng.choice(self._foreign or ["en"])
        if self._asked[language] and rng.random() < _AS_ASKED:
            return self._as_asked(self._asked[language])
        style = rng.choice(self._styles)
        requests = [self._request(language)]
        labels = requests[0].labels
        if labels and not labels & _ALONE and rng.random() < _JOINED:
            for _ in range(rng.choice((1, 1, 1, 2))):
                requests += self._others(requests, language)
        if language == "en" and not labels & _ALONE and rng.random() < 0.05:
            requests.append(rng.choice(self._groups["en"][-1]))
        rng.shuffle(requests)
        parts = [self._framed(request, style, whole=len(requests) == 1) for request in requests]
        asked = any(request.labels - _ALONE for request in requests)
        text = self._around(self._joined(parts, language), language, asked=asked)
        every = frozenset().union(*(request.labels for request in requests))
        return Question(self._typed(text, style, language), every, language, style["name"])

    def _as_asked(self, among: Sequence[Asked]) -> Question:
        rng = self._rng
        first = rng.choice(among)
        text, labels = first.text, first.labels
        while rng.random() < _TOGETHER and len(labels) < 3:
            other = rng.choice(among)
            if len(other.labels) > 1 or (labels | other.labels) & _ALONE:
                break
            both = [text, other.text]
            text = " ".join(both) if rng.random() < 0.5 else self._joined(both, first.language)
            labels = labels | other.labels
        typed = {"soft": rng.random() < _PHONE}
        return Question(self._typed(text, typed, first.language), labels, first.language, "as asked")

    def _request(self, language: str) -> Phrase:
        if language == "en" and self._plain and self._rng.random() < _PLAIN:
            return self._rng.choice(self._plain)
        return self._rng.choice(self._rng.choice(self._groups[language]))

    def _others(self, beside: Sequence[Phrase], language: str) -> list[Phrase]:
        """A request for something else, if one is found soon."""
        taken = frozenset().union(*(request.labels for request in beside))
        for _ in range(_TRIES):
            found = self._request(language)
            if found.labels and not found.labels & (taken | _ALONE):
                return [found]
        return []

    def _framed(self, request: Phrase, style: Any, *, whole: bool) -> str:
        worded = request.worded(self._rng)
        if request.language != "en":
            return worded
        if request.form == "q" and not (whole and self._rng.random() < 0.5):
            return worded
        return str(self._rng.choice(style[request.form])).replace("{" + request.form + "}", worded)

    def _joined(self, parts: Sequence[str], language: str) -> str:
        """Two requests end as one: "how old is he and is he smiling?"."""
        text = parts[0]
        for part in parts[1:]:
            joined = self._rng.choice(table("joins")["join" if language == "en" else "join_foreign"])
            loose = not joined.startswith("{a} ") or joined[4:5].islower() or joined[4:5] in "&"
            text = str(joined).replace("{a}", text.rstrip("?. ") if loose else text).replace("{b}", part)
        return text

    def _around(self, text: str, language: str, *, asked: bool) -> str:
        rng, said = self._rng, table("joins")
        if language != "en" or not asked:
            return text
        if rng.random() < 0.2:
            text = filled(rng.choice(said["before"]), language, rng) + " " + text
        if rng.random() < 0.08:
            text = text + " " + rng.choice(said["after"])
        if rng.random() < 0.08:
            text = rng.choice(said["opening"]) + text
        return text

    def _typed(self, text: str, style: Any, language: str) -> str:
        rng = self._rng
        if style.get("soft", False) and language == "en":
            text = _shortened(text.lower(), rng)
            text = text.rstrip("?.!") if rng.random() < 0.7 else text
        if rng.random() < self._noise:
            text = rng.choice((str.lower, str.upper, str.lower, _unpunctuated, str.capitalize))(text)
        if rng.random() < self._noise and language != "zh":
            for _ in range(1 + len(text) // 40):
                text = slip(text, rng)
        return text


def held_out(size: int, seed: int = 11) -> list[Question]:
    """Questions composed of phrases and styles that training never sees, no two alike.

    All in English: in the other languages there are too few phrases to spare any. Those as asked that are held out:
    `asked.asked`.
    """
    return _distinct(Composer(seed, held=True, noise=0.25), size)


@cache
def spared() -> tuple[Phrase, ...]:
    """The phrases that are held out, without those that are trained on as asked: others came upon the same words."""
    trained = {bare(one.text) for one in asked() if not one.held}
    rng = random.Random(0)

    def known(phrase: Phrase) -> bool:
        return any(bare(phrase.worded(rng)) in trained for _ in range(_WORDINGS))

    return tuple(phrase for phrase in phrases() if phrase.held and not known(phrase))


def _distinct(composer: Composer, size: int) -> list[Question]:
    found: dict[str, Question] = {}
    while len(found) < size:
        question = composer.question()
        found.setdefault(question.text, question)
    return list(found.values())


def slip(text: str, rng: random.Random) -> str:
    """One slip of the keyboard in a word of four letters or more."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 3 and word.isascii() and word.isalpha()]
    if not long:
        return text
    place = rng.choice(long)
    word = words[place]
    at = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.3:
        word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    elif kind < 0.6:
        word = word[:at] + word[at + 1 :]
    elif kind < 0.8:
        word = word[:at] + word[at] + word[at:]
    else:
        word = word[:at] + _KEYS.get(word[at].lower(), word[at]) + word[at + 1 :]
    return " ".join([*words[:place], word, *words[place + 1 :]])


def _shortened(text: str, rng: random.Random) -> str:
    short = table("joins")["short"]
    return " ".join(rng.choice(short[word]) if word in short else word for word in text.split(" "))


def _unpunctuated(text: str) -> str:
    return "".join(mark for mark in text if mark not in "?!.,;:'\"¿¡？，。")


def _groups(language: str, held: bool) -> list[list[Phrase]]:
    """Phrases by their labels, more often where there are many, though not in proportion. Last, and often, come those
    without any label, since there is no end of them."""
    groups: dict[frozenset[str], list[Phrase]] = {}
    for phrase in spared() if held else [phrase for phrase in phrases() if not phrase.held]:
        if phrase.language == language:
            groups.setdefault(phrase.labels, []).append(phrase)
    idle = groups.pop(frozenset(), [])
    several = [group for group in groups.values() for _ in range(max(1, round(len(group) ** 0.5)))]
    return several + [idle] * (max(1, round(_IDLE * len(several))) if idle else 0)
