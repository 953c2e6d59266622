"""A Report as a document to read: presented once here, rendered by `html` and by `pdf`.

The order is that of a reader with one minute: what was found in all, then each exhibit with its answer, what bears on
it, what remains open and what would settle it; then what several exhibits share, what the report cannot tell, the few
terms it uses, and at last the evidence and the methods.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from string import ascii_uppercase

import faceagent
from faceagent.messages import N_, wording
from faceagent.report import present
from faceagent.report.drawing import Pictures
from faceagent.report.file import brief, facts
from faceagent.report.glossary import Term, terms
from faceagent.report.language import group_in, subject_in
from faceagent.report.summary import FOUND, MEANING
from faceagent.report.timeline import Timeline, timelines
from faceagent.report.verdict import WEIGHED
from faceagent.translate import phrase_in, translated_report
from faceagent.types import Claim, ExhibitReport, Failure, Method, Report, Reproduction, Step, VerdictKind

BADGES: dict[VerdictKind, str] = {
    "signs_of_alteration": N_("Signs of alteration"),
    "signs_of_synthesis": N_("Signs of AI generation"),
    "no_sign_found": N_("No sign found"),
    "inconclusive": N_("Inconclusive"),
}
# Paths in a square of 16, drawn as lines. Shape and words carry the meaning of a verdict; colour only repeats it.
SYMBOLS: dict[VerdictKind, str] = {
    "signs_of_alteration": "M8 1.8 15 14H1zM8 6.2v3.6M8 12v.1",
    "signs_of_synthesis": "M8 1 10 6l5 2-5 2-2 5-2-5-5-2 5-2z",
    "no_sign_found": "M12.2 7A5.2 5.2 0 1 1 1.8 7a5.2 5.2 0 0 1 10.4 0zM11 11l4 4",
    "inconclusive": "M14.8 8A6.8 6.8 0 1 1 1.2 8a6.8 6.8 0 0 1 13.6 0zM5 8h6",
}
SHARED_BY = 3
"""A doubt that so many exhibits share, and half of all, is told once."""
# "image 1" and the like, in all languages.
_ID = re.compile(r"(image|video|face|bild|gesicht|imagen|vídeo|rostro|vidéo|visage|图像|视频|人脸) (\d)", re.IGNORECASE)
_PERCENT = re.compile(r"(\d) %")
_QUOTED = re.compile(r"(“[^”]*”|„[^“]*“|«[^»]*»)")


@dataclass(frozen=True)
class Picture:
    """JPEG bytes with what a screen reader says of them, and what stands under them. A size of 0 is not known."""

    jpeg: bytes
    width: int
    height: int
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Kind:
    """A verdict and what it means."""

    kind: VerdictKind
    badge: str
    meaning: str
    symbol: str


@dataclass(frozen=True)
class Shared:
    """A doubt that several exhibits share, and which they are."""

    letter: str
    sentence: str
    who: str


@dataclass(frozen=True)
class Note:
    """Of one tool, in all exhibits: where its lines, probabilities and error rates come from, and its limits by what
    they are about ("": all that it measures)."""

    tool: str
    heading: str
    sources: tuple[str, ...]
    limits: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """One exhibit.

    answer: None where nothing could be examined; `headline` is there always. shared: the letters of doubts told once
    for several exhibits, with the claims of this one. findings: what else was measured, by heading. pictures: those
    that bear on the verdict, the marked photo first. aside: those that stand with the evidence.
    """

    id: str
    label: str
    name: str
    sha256: str
    kind: VerdictKind
    badge: str
    headline: str
    answer: Claim | None
    reasons: tuple[Claim, ...]
    doubts: tuple[Claim, ...]
    shared: tuple[tuple[str, Claim], ...]
    settle: tuple[str, ...]
    findings: tuple[tuple[str, tuple[Claim, ...]], ...]
    thumbnail: Picture | None
    pictures: tuple[Picture, ...]
    aside: tuple[Picture, ...]
    timelines: tuple[Timeline, ...]
    brief: str
    facts: tuple[tuple[str, str], ...]
    groups: tuple[present.Group, ...]
    steps: tuple[Step, ...]
    measured: str


@dataclass(frozen=True)
class Across:
    """What concerns several exhibits. portraits: the faces compared."""

    claims: tuple[Claim, ...]
    groups: tuple[present.Group, ...]
    steps: tuple[Step, ...]
    portraits: tuple[Picture, ...]


@dataclass(frozen=True)
class Document:
    """The whole report. summary: without the headline of a single exhibit, which stands below it anyway."""

    language: str
    title: str
    created: str
    purpose: str | None
    summary: tuple[str, ...]
    kinds: tuple[Kind, ...]
    exhibits: tuple[Section, ...]
    shared: tuple[Shared, ...]
    across: Across
    failures: tuple[Failure, ...]
    limitations: tuple[str, ...]
    withheld: tuple[str, ...]
    terms: tuple[Term, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]
    reproduction: Reproduction
    version: str

    @property
    def anchors(self) -> Mapping[str, str]:
        """Where links to exhibits lead, by what these are called, in small letters."""
        return {item.label.lower(): anchor(item.id) for item in self.exhibits}


def document(report: Report, pictures: Mapping[str, Pictures], language: str = "en") -> Document:
    """Present a report.

    Args:
        pictures: what is shown of each exhibit, by image id; an exhibit without pictures is shown in words alone.
        language: a key of `messages.LANGUAGES`.
    """
    _ = wording(language)
    told = terms(_told(report), language)  # they are found in the English sentences
    report = translated_report(report, language)
    shared = tuple(_shared(report.exhibits, language))
    exhibits = tuple(_section(item, pictures.get(item.exhibit.id), shared, language) for item in report.exhibits)
    across = _across(report, pictures, language)
    alone = exhibits[0].headline if len(exhibits) == 1 else None
    found = {item.kind for item in exhibits}
    return Document(
        language=language,
        title=_(report.title),
        created=date(report.created, language),
        purpose=report.purpose,
        summary=tuple(line for line in report.summary if line != alone),
        kinds=tuple(Kind(kind, _(BADGES[kind]), _(MEANING[kind]), SYMBOLS[kind]) for kind in FOUND if kind in found),
        exhibits=exhibits,
        shared=shared,
        across=across,
        failures=report.failures,
        limitations=report.limitations,
        withheld=report.withheld,
        terms=told,
        notes=tuple(_notes([*(group for item in exhibits for group in item.groups), *across.groups])),
        methods=report.methods,
        reproduction=report.reproduction,
        version=faceagent.__version__,
    )


def date(created: str, language: str = "en") -> str:
    moment = datetime.fromisoformat(created)
    if language != "en":
        return f"{moment:%Y-%m-%d %H:%M} UTC"
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def anchor(reference: str) -> str:
    """An id for links: "image 1" -> "image-1"."""
    return "".join(character if character.isalnum() else "-" for character in reference)


def together(sentence: str) -> str:
    """A sentence in which no line breaks between "image" and its number, or a number and its "%"."""
    return _PERCENT.sub("\\1\N{NO-BREAK SPACE}%", _ID.sub("\\1\N{NO-BREAK SPACE}\\2", sentence))


def linked(line: str, anchors: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """A line as (text, target of its link or ""): exhibits that it names, unless a file's name in quotes does.

    Args:
        anchors: the targets that there are, by what the exhibits are called, in small letters.
    """
    targets = {together(name): target for name, target in anchors.items()}
    names = re.compile(rf"({'|'.join(map(re.escape, targets)) or '(?!)'})(?!\d)", re.IGNORECASE)
    parts: list[tuple[str, str]] = []
    for piece in _QUOTED.split(together(line)):
        quoted = piece[:1] in ("“", "„", "«")
        parts += [(text, "" if quoted else targets.get(text.lower(), "")) for text in names.split(piece)]
    return tuple(part for part in parts if part[0])


def method_code(method: Method) -> str:
    """A short name of a method for links within the document."""
    return "method-" + hashlib.sha256(method.model_dump_json().encode()).hexdigest()[:8]


def _told(report: Report) -> Iterator[str]:
    """Every sentence of the report outside its tables."""
    yield from report.summary
    for item in report.exhibits:
        yield item.verdict.headline
        yield from (claim.sentence for claim in (*item.verdict.claims, *item.findings))
        yield from item.verdict.would_settle
    yield from (claim.sentence for claim in report.across)
    yield from report.limitations


def _shared(exhibits: Sequence[ExhibitReport], language: str) -> Iterator[Shared]:
    """Doubts that at least three exhibits and half of them share, the most frequent first."""
    _ = wording(language)
    by_exhibit = {item.exhibit.id: dict.fromkeys(claim.sentence for claim in _doubts(item)) for item in exhibits}
    counted = Counter(sentence for sentences in by_exhibit.values() for sentence in sentences)
    many = [one for one, count in counted.most_common() if count >= max(SHARED_BY, len(exhibits) / 2)]
    for letter, sentence in zip(ascii_uppercase, many, strict=False):
        names = [name for name, sentences in by_exhibit.items() if sentence in sentences]
        listed = ", ".join(subject_in(name, language) for name in names)
        told = _("%(some)s of %(all)s exhibits: %(names)s")
        told %= {"some": len(names), "all": len(exhibits), "names": listed}
        yield Shared(letter, sentence, _("All exhibits") if len(names) == len(exhibits) else told)


def _doubts(report: ExhibitReport) -> Iterator[Claim]:
    return (claim for claim in (*report.verdict.claims, *report.findings) if claim.role == "doubt")


def _section(report: ExhibitReport, pictures: Pictures | None, shared: Sequence[Shared], language: str) -> Section:
    _ = wording(language)
    letters = {one.sentence: one.letter for one in shared}
    claims = report.verdict.claims
    said = {claim.sentence for claim in claims}
    told_once = {c.sentence: (letters[c.sentence], c) for c in _doubts(report) if c.sentence in letters}
    others = [c for c in report.findings if c.sentence not in told_once and c.sentence not in said]
    return Section(
        id=report.exhibit.id,
        label=_capital(subject_in(report.exhibit.id, language)),
        name=report.exhibit.name,
        sha256=report.exhibit.sha256,
        kind=report.verdict.kind,
        badge=_(BADGES[report.verdict.kind]),
        headline=report.verdict.headline,
        answer=next((claim for claim in claims if claim.role == "answer"), None),
        reasons=tuple(_runs(claim for claim in claims if claim.role == "reason")),
        doubts=tuple(claim for claim in claims if claim.role == "doubt" and claim.sentence not in told_once),
        shared=tuple(sorted(told_once.values(), key=lambda one: one[0])),
        settle=report.verdict.would_settle,
        findings=tuple(
            (_(heading), said) for heading, said in present.findings(others, report.evidence, without=WEIGHED)
        ),
        thumbnail=_thumbnail(pictures),
        pictures=tuple(_bearing(report, pictures, language)),
        aside=tuple(_beside(pictures, language)),
        timelines=timelines(report.evidence, language),
        brief=brief(report.exhibit, language),
        facts=facts(report.exhibit, language),
        groups=tuple(group_in(group, language) for group in present.groups(report.evidence)),
        steps=report.steps,
        measured=_("%(num)s measurements in %(seconds)s s")
        % {"num": len(report.evidence), "seconds": f"{sum(one.milliseconds for one in report.steps) / 1000:.1f}"},
    )


def _runs(claims: Iterable[Claim]) -> Iterator[Claim]:
    """Sentences in a row that rest on the same evidence as one, which cites it once."""
    for _, run in groupby(claims, key=lambda claim: claim.evidence):
        first, *others = run
        yield first.model_copy(update={"sentence": " ".join(one.sentence for one in (first, *others))})


def _notes(groups: Sequence[present.Group]) -> Iterator[Note]:
    """What the evidence of a tool says of itself in every exhibit, told once."""
    for tool in dict.fromkeys(group.tool for group in groups):
        same = [group for group in groups if group.tool == tool]
        sources = tuple(dict.fromkeys(note for group in same for note in group.notes))
        limits: dict[str, dict[str, None]] = {}
        for what, limit in (one for group in same for one in group.limitations):
            limits.setdefault(what, {})[limit] = None
        if sources or limits:
            yield Note(tool, same[0].heading, sources, tuple((what, " ".join(told)) for what, told in limits.items()))


def _thumbnail(pictures: Pictures | None) -> Picture | None:
    # Decoration beside the same words, so it has no words of its own for a screen reader.
    return Picture(pictures.thumbnail, 0, 0, alt="") if pictures else None


def alt_of(report: ExhibitReport, language: str = "en", finding: str | None = None) -> str:
    """What a picture of an exhibit shows, for those who do not see it: the finding, its headline unless given."""
    _ = wording(language)
    faces = ", ".join(subject_in(face.id, language) for face in report.faces)
    marked = _("Marked: %(faces)s.") % {"faces": faces} if faces else _("No face is marked.")
    return f"{subject_in(report.exhibit.id, language)}. {finding or report.verdict.headline} {marked}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bearing(report: ExhibitReport, pictures: Pictures | None, language: str) -> Iterator[Picture]:
    if pictures is None:
        return
    _ = wording(language)
    marks = [_("Corners: faces found.")] if report.faces else []
    marks += [_("Dashed yellow: where the finding lies.")] if pictures.marked else []
    yield Picture(pictures.annotated, pictures.width, pictures.height, alt_of(report, language), " ".join(marks))
    for one in pictures.shown:
        if one.of not in present.ASIDE:
            caption = phrase_in("caption", one.caption, language)
            caption = caption or _(present.CAPTIONS.get(one.of) or present.label(one.of))
            yield Picture(one.jpeg, 0, 0, caption, caption)


def _beside(pictures: Pictures | None, language: str) -> Iterator[Picture]:
    _ = wording(language)
    for one in pictures.shown if pictures else ():
        if one.of in present.ASIDE:
            caption = phrase_in("caption", one.caption, language) or _(present.ASIDE[one.of])
            yield Picture(one.jpeg, 0, 0, caption, caption)


def _across(report: Report, pictures: Mapping[str, Pictures], language: str) -> Across:
    subjects = {part for row in report.across_evidence for part in row.subject.split(" + ")}
    compared = [face for item in report.exhibits for face in item.faces if face.id in subjects]
    return Across(
        claims=report.across,
        groups=tuple(group_in(group, language) for group in present.groups(report.across_evidence)),
        steps=report.across_steps,
        portraits=tuple(
            Picture(
                pictures[face.image].faces[face.id],
                128,
                128,
                subject_in(face.id, language),
                subject_in(face.id, language),
            )
            for face in compared
            if face.image in pictures and face.id in pictures[face.image].faces
        ),
    )
