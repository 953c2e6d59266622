"""A Report as a document to read: presented once here, rendered by `html` and by `pdf`.

The order is that of a reader with one minute: what was found in all, then each exhibit with its answer, what bears on
it, what remains open and what would settle it; then what several exhibits share, what the report cannot tell, the few
terms it uses, and at last the evidence and the methods.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from string import ascii_uppercase

import faceagent
from faceagent.report import present
from faceagent.report.drawing import Pictures
from faceagent.report.glossary import Term, terms
from faceagent.report.summary import FOUND, MEANING
from faceagent.report.timeline import Timeline, timelines
from faceagent.report.verdict import WEIGHED
from faceagent.types import Claim, ExhibitReport, Failure, Method, Report, Reproduction, Step, VerdictKind

BADGES: dict[VerdictKind, str] = {
    "signs_of_alteration": "Signs of alteration",
    "signs_of_synthesis": "Signs of AI generation",
    "no_sign_found": "No sign found",
    "inconclusive": "Inconclusive",
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
_ID = re.compile(r"\b(image|video|face) (\d)", re.IGNORECASE)
_PERCENT = re.compile(r"(\d) %")
_QUOTED = re.compile(r"(“[^”]*”)")
_EXHIBIT = re.compile(r"\b((?:image|video)[ \N{NO-BREAK SPACE}]\d+)\b", re.IGNORECASE)


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
    def anchors(self) -> frozenset[str]:
        """Where links to exhibits may lead."""
        return frozenset(anchor(item.id) for item in self.exhibits)


def document(report: Report, pictures: Mapping[str, Pictures]) -> Document:
    """Present a report.

    Args:
        pictures: what is shown of each exhibit, by image id; an exhibit without pictures is shown in words alone.
    """
    shared = tuple(_shared(report.exhibits))
    exhibits = tuple(_section(item, pictures.get(item.exhibit.id), shared) for item in report.exhibits)
    across = _across(report, pictures)
    alone = exhibits[0].headline if len(exhibits) == 1 else None
    found = {item.kind for item in exhibits}
    return Document(
        title=report.title,
        created=date(report.created),
        purpose=report.purpose,
        summary=tuple(line for line in report.summary if line != alone),
        kinds=tuple(Kind(kind, BADGES[kind], MEANING[kind], SYMBOLS[kind]) for kind in FOUND if kind in found),
        exhibits=exhibits,
        shared=shared,
        across=across,
        failures=report.failures,
        limitations=report.limitations,
        withheld=report.withheld,
        terms=terms(_told(report)),
        notes=tuple(_notes([*(group for item in exhibits for group in item.groups), *across.groups])),
        methods=report.methods,
        reproduction=report.reproduction,
        version=faceagent.__version__,
    )


def date(created: str) -> str:
    moment = datetime.fromisoformat(created)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def anchor(reference: str) -> str:
    """An id for links: "image 1" -> "image-1"."""
    return "".join(character if character.isalnum() else "-" for character in reference)


def together(sentence: str) -> str:
    """A sentence in which no line breaks between "image" and its number, or a number and its "%"."""
    return _PERCENT.sub("\\1\N{NO-BREAK SPACE}%", _ID.sub("\\1\N{NO-BREAK SPACE}\\2", sentence))


def linked(line: str, anchors: Collection[str]) -> tuple[tuple[str, str], ...]:
    """A line as (text, target of its link or ""): exhibits that it names, unless a file's name in quotes does.

    Args:
        anchors: the targets that there are.
    """
    parts: list[tuple[str, str]] = []
    for piece in _QUOTED.split(together(line)):
        for text in [piece] if piece.startswith("“") else _EXHIBIT.split(piece):
            target = anchor(text.lower())
            parts.append((text, target if target in anchors and not piece.startswith("“") else ""))
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


def _shared(exhibits: Sequence[ExhibitReport]) -> Iterator[Shared]:
    """Doubts that at least three exhibits and half of them share, the most frequent first."""
    by_exhibit = {item.exhibit.id: dict.fromkeys(claim.sentence for claim in _doubts(item)) for item in exhibits}
    counted = Counter(sentence for sentences in by_exhibit.values() for sentence in sentences)
    many = [one for one, count in counted.most_common() if count >= max(SHARED_BY, len(exhibits) / 2)]
    for letter, sentence in zip(ascii_uppercase, many, strict=False):
        names = [name for name, sentences in by_exhibit.items() if sentence in sentences]
        told = f"{len(names)} of {len(exhibits)} exhibits: {', '.join(names)}"
        yield Shared(letter, sentence, "All exhibits" if len(names) == len(exhibits) else told)


def _doubts(report: ExhibitReport) -> Iterator[Claim]:
    return (claim for claim in (*report.verdict.claims, *report.findings) if claim.role == "doubt")


def _section(report: ExhibitReport, pictures: Pictures | None, shared: Sequence[Shared]) -> Section:
    letters = {one.sentence: one.letter for one in shared}
    claims = report.verdict.claims
    said = {claim.sentence for claim in claims}
    told_once = {c.sentence: (letters[c.sentence], c) for c in _doubts(report) if c.sentence in letters}
    others = [c for c in report.findings if c.sentence not in told_once and c.sentence not in said]
    return Section(
        id=report.exhibit.id,
        name=report.exhibit.name,
        sha256=report.exhibit.sha256,
        kind=report.verdict.kind,
        badge=BADGES[report.verdict.kind],
        headline=report.verdict.headline,
        answer=next((claim for claim in claims if claim.role == "answer"), None),
        reasons=tuple(_runs(claim for claim in claims if claim.role == "reason")),
        doubts=tuple(claim for claim in claims if claim.role == "doubt" and claim.sentence not in told_once),
        shared=tuple(sorted(told_once.values(), key=lambda one: one[0])),
        settle=report.verdict.would_settle,
        findings=present.findings(others, report.evidence, without=WEIGHED),
        thumbnail=_thumbnail(pictures),
        pictures=tuple(_bearing(report, pictures)),
        aside=tuple(_beside(pictures)),
        timelines=timelines(report.evidence),
        brief=present.brief(report.exhibit),
        facts=present.facts(report.exhibit),
        groups=present.groups(report.evidence),
        steps=report.steps,
        measured=f"{len(report.evidence)} measurements in {sum(one.milliseconds for one in report.steps) / 1000:.1f} s",
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


def alt_of(report: ExhibitReport) -> str:
    """What a picture of an exhibit shows, for those who do not see it: the finding."""
    faces = ", ".join(face.id for face in report.faces)
    return f"{report.exhibit.id}. {report.verdict.headline} {f'Marked: {faces}.' if faces else 'No face is marked.'}"


def _bearing(report: ExhibitReport, pictures: Pictures | None) -> Iterator[Picture]:
    if pictures is None:
        return
    marks = ["Corners: faces found."] if report.faces else []
    marks += ["Dashed yellow: where the finding lies."] if pictures.marked else []
    yield Picture(pictures.annotated, pictures.width, pictures.height, alt_of(report), " ".join(marks))
    for one in pictures.shown:
        if one.of not in present.ASIDE:
            caption = one.caption or present.CAPTIONS.get(one.of) or present.label(one.of)
            yield Picture(one.jpeg, 0, 0, caption, caption)


def _beside(pictures: Pictures | None) -> Iterator[Picture]:
    for one in pictures.shown if pictures else ():
        if one.of in present.ASIDE:
            caption = one.caption or present.ASIDE[one.of]
            yield Picture(one.jpeg, 0, 0, caption, caption)


def _across(report: Report, pictures: Mapping[str, Pictures]) -> Across:
    subjects = {part for row in report.across_evidence for part in row.subject.split(" + ")}
    compared = [face for item in report.exhibits for face in item.faces if face.id in subjects]
    return Across(
        claims=report.across,
        groups=present.groups(report.across_evidence),
        steps=report.across_steps,
        portraits=tuple(
            Picture(pictures[face.image].faces[face.id], 128, 128, face.id, face.id)
            for face in compared
            if face.image in pictures and face.id in pictures[face.image].faces
        ),
    )
