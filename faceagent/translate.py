"""What the tools have said, in the reader's language.

Tools word in English, and there `ground` holds each sentence against the evidence. A sentence that has passed is
rendered here: it is matched, whole, against the sentence patterns of `locale/wording.toml`, and the translation of its
pattern (gettext, domain `wording`, context = kind of phrase) is filled with the same figures, ids and quotations. What
no pattern matches stays in English and is marked as such; nothing is ever translated in part.

A slot of a pattern is `{kind}` or `{kind label}`. Kinds are the figures below, and every other table of wording.toml,
whose phrases, or a list of them ("a, b and c"), may stand in the slot. In a translation `{kind.case label}` asks for
a phrase in a grammatical case: its translation in the context "kind.case" where there is one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from gettext import NullTranslations
from importlib.resources import files
from itertools import accumulate

from faceagent.messages import catalogue
from faceagent.narrate import compose
from faceagent.types import Answer, Claim, ExhibitReport, Report

DOMAIN = "wording"
SENTENCE, NOTE = "sentence", "note"
FIGURES = {
    "number": r"[-−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[-−]?\d+(?:\.\d+)?",
    "id": r"\d+(?:\.\d+)?",
    "text": r"[^“”]*",
    "word": r"[^\s,“”]+",
    "name": r".+?",
    "path": r"(?:[^.“”]|\.(?!\s))+?",
    "code": r"`[^`]*`",
}
"""Slots that are taken over: numbers, with the language's marks; ids; what stands in “…”; names; names of files, which
hold no end of a sentence; commands in `…`."""
_SLOT = re.compile(r"\{(?P<kind>[a-z]+)(?:\.(?P<case>[a-z]+))?(?: (?P<label>[a-z]+))?\}")
_JOINT = r"; |,? and |,? or |, "
# Chinese sets figures off by a space; “…” is passed over as it is.
_BETWEEN = re.compile(r"“[^”]*”|(?<=\d)(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])(?=\d)")
_NUMBER = "1,234.5"  # its translation has the language's marks


@dataclass(frozen=True)
class Said:
    """A text, and the language that it is in: English where there is no translation."""

    text: str
    language: str


@dataclass(frozen=True)
class Pattern:
    """One English phrase with slots. kind: its table in wording.toml."""

    kind: str
    english: str

    @cached_property
    def slots(self) -> tuple[tuple[str, str], ...]:
        """Kind and label of each slot, in order."""
        return tuple((slot["kind"], slot["label"] or "") for slot in _SLOT.finditer(self.english))

    @cached_property
    def literal(self) -> str:
        """What stands before the first slot."""
        return _SLOT.split(self.english, maxsplit=1)[0]

    @cached_property
    def expression(self) -> re.Pattern[str]:
        return re.compile(_expression(self.english, capture=True), re.DOTALL)

    def match(self, text: str) -> Phrase | None:
        """How a text is this phrase, filled; None where it is not."""
        if not text.startswith(self.literal):
            return None
        found = self.expression.fullmatch(text)
        if found is None:
            return None
        filled: dict[tuple[str, str], Figure | Listed] = {}
        for slot, part in zip(self.slots, found.groups(), strict=True):
            kind = slot[0]
            filling = Figure(kind, part) if kind in FIGURES else listed(kind, part)
            if filling is None:
                return None
            filled[slot] = filling
        return Phrase(self, filled)


@dataclass(frozen=True)
class Figure:
    """What is taken over as it is, but for the marks of numbers."""

    kind: str
    text: str

    def put(self, language: str, case: str | None) -> str:
        return _number(self.text, language) if self.kind == "number" else self.text


@dataclass(frozen=True)
class Phrase:
    """A pattern and what stands in its slots."""

    pattern: Pattern
    filled: Mapping[tuple[str, str], Figure | Listed]

    def put(self, language: str, case: str | None = None) -> str:
        """In another language.

        Raises:
            Untranslated: its pattern, or a phrase in it, has no translation.
        """

        def fill(slot: re.Match[str]) -> str:
            return self.filled[slot["kind"], slot["label"] or ""].put(language, slot["case"])

        return _SLOT.sub(fill, _translation(self.pattern, language, case))


@dataclass(frozen=True)
class Listed:
    """One phrase or several. joints: what stands between them, "and" as " and "."""

    phrases: tuple[Phrase, ...]
    joints: tuple[str, ...] = ()

    def put(self, language: str, case: str | None) -> str:
        first, *rest = (phrase.put(language, case) for phrase in self.phrases)
        joints = (_looked_up("joint", joint, language) for joint in self.joints)
        return first + "".join(joint + phrase for joint, phrase in zip(joints, rest, strict=True))


class Untranslated(LookupError):
    """The catalogue of a language lacks a phrase."""


def said(english: str, language: str, kind: str = SENTENCE) -> Said:
    """A finished sentence in another language; as it is where no pattern matches or the pattern has no translation.

    Args:
        language: a key of `messages.LANGUAGES`.
        kind: the table of its pattern.

    Raises:
        KeyError: there is no such language.
    """
    if language == "en" or (phrase := understood(english, kind)) is None:
        return Said(english, "en")
    try:
        text = phrase.put(language)
    except Untranslated:
        return Said(english, "en")
    text = _spaced(text, language)
    return Said(text[:1].upper() + text[1:] if english[:1].isupper() else text, language)


def phrase_in(kind: str, english: str, language: str) -> str:
    """A phrase, or a list of them, in another language; as it is where no pattern of its kind matches.

    Raises:
        KeyError: there is no such kind or language.
    """
    if language == "en" or not english or (found := listed(kind, english)) is None:
        return english
    try:
        return _spaced(found.put(language, None), language)
    except Untranslated:
        return english


def _spaced(text: str, language: str) -> str:
    """Chinese with its spaces; in other languages such signs stand in quotations alone, which stay as they are."""
    return _BETWEEN.sub(lambda gap: gap[0] or " ", text) if language == "zh" else text


def note_in(english: str, language: str) -> str:
    """Where a line, a probability or an error rate comes from; marked where it stays in English."""
    return english if language == "en" else _shown(said(english, language, NOTE), language)


def text_in(english: str, language: str) -> str:
    """A text of several sentences, such as remarks; what stays in English is marked."""
    if language == "en":
        return english
    return _space(language).join(_shown(one, language) for one in _runs(english, language))


def translated(answer: Answer, language: str) -> Answer:
    """The answer as a reader of another language sees it: its sentences and its text. Evidence stays as it is.

    Raises:
        KeyError: there is no such language.
    """
    if language == "en":
        return answer
    remarks = _remarks(answer)
    claims = tuple(translated_claim(claim, language) for claim in answer.claims)
    gaps = tuple(text_in(gap, language) for gap in answer.not_established)
    text = compose(
        claims,
        gaps,
        [text_in(remarks, language)] if remarks else [],
        heading=_looked_up("mark", "Not established:", language),
        space=_space(language),
    )
    return answer.model_copy(update={"text": text, "claims": claims, "not_established": gaps})


def _remarks(answer: Answer) -> str:
    """What its text says before its claims and gaps."""
    if answer.text == compose(answer.claims, answer.not_established):
        return ""
    after = compose(answer.claims, answer.not_established, ["…"]).removeprefix("…")
    return answer.text.removesuffix(after).rstrip()


def translated_report(report: Report, language: str) -> Report:
    """The report with its sentences in another language. Evidence, methods, log and names of files stay as they are.

    Raises:
        KeyError: there is no such language.
    """
    if language == "en":
        return report

    def texts(english: Iterable[str]) -> tuple[str, ...]:
        return tuple(text_in(one, language) for one in english)

    def claims(found: Iterable[Claim]) -> tuple[Claim, ...]:
        return tuple(translated_claim(claim, language) for claim in found)

    def exhibit(found: ExhibitReport) -> ExhibitReport:
        old = found.verdict
        verdict = {
            "headline": text_in(old.headline, language),
            "claims": claims(old.claims),
            "would_settle": texts(old.would_settle),
        }
        return found.model_copy(update={"verdict": old.model_copy(update=verdict), "findings": claims(found.findings)})

    return report.model_copy(
        update={
            "summary": texts(report.summary),
            "exhibits": tuple(map(exhibit, report.exhibits)),
            "across": claims(report.across),
            "limitations": texts(report.limitations),
            "withheld": texts(report.withheld),
        }
    )


def translated_claim(claim: Claim, language: str) -> Claim:
    """The claim with its sentence in another language; marked where it stays in English."""
    return claim.model_copy(update={"sentence": text_in(claim.sentence, language)})


@cache
def patterns() -> Mapping[str, tuple[Pattern, ...]]:
    """All phrases by kind. Of two that match, the one with more words of its own is meant: those come first."""
    text = files("faceagent").joinpath("locale/wording.toml").read_text(encoding="utf-8")
    return {
        kind: tuple(sorted((Pattern(kind, one) for one in table["phrases"]), key=_specific))
        for kind, table in tomllib.loads(text).items()
    }


def _specific(pattern: Pattern) -> tuple[int, int]:
    return -len(_SLOT.sub("", pattern.english)), len(pattern.slots)


@cache
def understood(english: str, kind: str = SENTENCE) -> Phrase | None:
    """The pattern of a finished sentence; None where there is none. kind: the table that it is in."""
    # A slot at the start of a sentence holds "Face 1.2" for "face 1.2", but "MesoNet" as it is.
    texts = (english, english[:1].lower() + english[1:])
    found = (pattern.match(text) for pattern in patterns()[kind] for text in texts)
    return next((phrase for phrase in found if phrase is not None), None)


def listed(kind: str, text: str) -> Listed | None:
    """Phrases of one kind, joined as English joins them."""
    whole = next((phrase for pattern in patterns()[kind] if (phrase := pattern.match(text))), None)
    if whole is not None:
        return Listed((whole,))
    for joint in re.finditer(_JOINT, text):
        first = next((one for pattern in patterns()[kind] if (one := pattern.match(text[: joint.start()]))), None)
        rest = listed(kind, text[joint.end() :]) if first else None
        if first and rest:
            return Listed((first, *rest.phrases), (joint[0].replace(", a", " a").replace(", o", " o"), *rest.joints))
    return None


def _expression(english: str, *, capture: bool) -> str:
    """A regular expression for a phrase; with a group for each slot if asked for."""
    parts, end = [], 0
    for slot in _SLOT.finditer(english):
        parts += [re.escape(english[end : slot.start()]), f"({'' if capture else '?:'}{_filling(slot['kind'])})"]
        end = slot.end()
    return "".join((*parts, re.escape(english[end:])))


@cache
def _filling(kind: str) -> str:
    """What may stand in a slot. Phrases that hold further phrases are looked into only once they are found."""
    if kind in FIGURES:
        return FIGURES[kind]
    if any(inner not in FIGURES for pattern in patterns()[kind] for inner, _ in pattern.slots):
        return r".+?"
    one = "|".join(_expression(pattern.english, capture=False) for pattern in patterns()[kind])
    return rf"(?:{one})(?:(?:{_JOINT})(?:{one}))*"


# Catalogues.


class _Lacking(NullTranslations):
    """What stands behind a catalogue, so that what it lacks is not passed off as its own."""

    def pgettext(self, context: str, message: str) -> str:
        raise Untranslated(f"{context}: {message}")


@cache
def _wording(language: str) -> NullTranslations:
    found = catalogue(language, DOMAIN)
    found.add_fallback(_Lacking())
    return found


def _looked_up(context: str, english: str, language: str) -> str:
    return _wording(language).pgettext(context, english)


def _translation(pattern: Pattern, language: str, case: str | None) -> str:
    if case is not None:
        try:
            return _looked_up(f"{pattern.kind}.{case}", pattern.english, language)
        except Untranslated:
            pass  # most languages have few cases, and most phrases are the same in all of them
    return _looked_up(pattern.kind, pattern.english, language)


def _number(english: str, language: str) -> str:
    sample = _looked_up("mark", _NUMBER, language)
    marks = str.maketrans({",": sample[1], ".": sample[5]})
    return english.translate(marks)


def _space(language: str) -> str:
    """What stands between two sentences."""
    return _looked_up("mark", "A B", language)[1:-1]


# Texts of several sentences.


def _runs(english: str, language: str) -> Iterator[Said]:
    """The sentences of a text, those together that have one pattern."""
    sentences = _sentences(english)
    while sentences:
        many, best = 1, said(sentences[0], language)
        for count in range(len(sentences), 1, -1):
            longer = said(" ".join(sentences[:count]), language)
            if longer.language == language:
                many, best = count, longer
                break
        yield best
        sentences = sentences[many:]


def _sentences(text: str) -> Sequence[str]:
    """Split after full stops that are not within “…”."""
    depth = list(accumulate((character == "“") - (character == "”") for character in text))
    found, start = [], 0
    for end in re.finditer(r"[.!?](?=\s+[^\sa-z])", text):
        if depth[end.start()] == 0:
            found.append(text[start : end.end()].strip())
            start = end.end()
    return [*found, text[start:].strip()]


def _shown(one: Said, language: str) -> str:
    return one.text if one.language == language else f"{_looked_up('mark', '[in English]', language)} {one.text}"
