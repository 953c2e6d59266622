"""A Report as one self-contained HTML page: inline style, pictures as data, no script, nothing that a file can inject.

Autoescape is on for every template; text from files passes `visible` as well, wherever it is printed; and the page's
own content security policy forbids every script, every request, and every style but the one whose hash it names.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import faceagent
from faceagent.report import present
from faceagent.report.drawing import Pictures
from faceagent.report.summary import FOUND, MEANING
from faceagent.report.text import visible
from faceagent.report.timeline import Timeline, timelines
from faceagent.report.verdict import WEIGHED
from faceagent.types import Claim, ExhibitReport, Method, Report, VerdictKind

BADGES: dict[VerdictKind, str] = {
    "signs_of_alteration": "Signs of alteration",
    "signs_of_synthesis": "Signs of AI generation",
    "no_sign_found": "No sign found",
    "inconclusive": "Inconclusive",
}


_ID = re.compile(r"\b(image|video|face) (\d)", re.IGNORECASE)


def to_html(report: Report, pictures: Mapping[str, Pictures]) -> str:
    """The page as text.

    Args:
        pictures: what is shown of each exhibit, by image id; an exhibit without pictures is shown in words alone.
    """
    # Imported where used, so that the JSON and CSV of a report do not pay for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("faceagent.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters()
    style = environment.get_template("style.css").render(exhibits=[item.exhibit for item in report.exhibits])
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("report.html.j2").render(
        report=report,
        exhibits=[Section.of(item, pictures.get(item.exhibit.id)) for item in report.exhibits],
        across=Across.of(report, pictures),
        badges=BADGES,
        kinds={kind: MEANING[kind] for kind in FOUND if any(item.verdict.kind == kind for item in report.exhibits)},
        created=_date(report.created),
        version=faceagent.__version__,
        # The one text that is not escaped: it is ours, and holds nothing of a file but the hex digits of its hash.
        style=Markup(style),
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )


def filters() -> dict[str, Callable[..., object]]:
    """What the templates, and those of the app that take macros from them, print things with."""
    return {"together": together, "anchor": anchor, "citations": present.citations, "code": method_code, "uri": Uri}


def finalize(shown: Any) -> Any:
    """Called by Jinja on everything that a template prints, before it is escaped."""
    return visible(shown) if type(shown) is str else shown


def anchor(reference: str) -> str:
    """An id for links: "image 1" -> "image-1"."""
    return "".join(character if character.isalnum() else "-" for character in reference)


def together(sentence: str) -> str:
    """A sentence in which no line breaks between "image" and its number."""
    return _ID.sub("\\1\N{NO-BREAK SPACE}\\2", sentence)


def method_code(method: Method) -> str:
    """A short name of a method for links within the page."""
    return "method-" + hashlib.sha256(method.model_dump_json().encode()).hexdigest()[:8]


def _date(created: str) -> str:
    moment = datetime.fromisoformat(created)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


class Uri(str):
    """An address of our own making: printed whole, where text from a file is cut when it is very long."""

    __slots__ = ()


def data_uri(jpeg: bytes) -> Uri:
    return Uri("data:image/jpeg;base64," + base64.b64encode(jpeg).decode())


@dataclass(frozen=True)
class Section:
    """One exhibit as the template wants it."""

    report: ExhibitReport
    kind: VerdictKind
    badge: str
    thumbnail: str
    annotated: str
    width: int
    height: int
    alt: str
    caption: str
    shown: tuple[tuple[str, str], ...]
    aside: tuple[tuple[str, str], ...]
    answer: Claim | None
    reasons: tuple[Claim, ...]
    doubts: tuple[Claim, ...]
    findings: tuple[tuple[str, tuple[Claim, ...]], ...]
    timelines: tuple[Timeline, ...]
    facts: tuple[tuple[str, str], ...]
    groups: tuple[present.Group, ...]
    measured: int
    milliseconds: float

    @staticmethod
    def of(report: ExhibitReport, pictures: Pictures | None) -> Section:
        claims = report.verdict.claims
        return Section(
            report=report,
            kind=report.verdict.kind,
            badge=BADGES[report.verdict.kind],
            thumbnail=data_uri(pictures.thumbnail) if pictures else "",
            annotated=data_uri(pictures.annotated) if pictures else "",
            width=pictures.width if pictures else 0,
            height=pictures.height if pictures else 0,
            alt=alt_of(report),
            caption=_caption(report, pictures),
            shown=_shown(pictures, aside=False),
            aside=_shown(pictures, aside=True),
            answer=next((claim for claim in claims if claim.role == "answer"), None),
            reasons=tuple(claim for claim in claims if claim.role == "reason"),
            doubts=tuple(claim for claim in claims if claim.role == "doubt"),
            findings=present.findings(report.findings, report.evidence, without=WEIGHED),
            timelines=timelines(report.evidence),
            facts=present.facts(report.exhibit),
            groups=present.groups(report.evidence),
            measured=len(report.evidence),
            milliseconds=sum(step.milliseconds for step in report.steps),
        )


def _shown(pictures: Pictures | None, *, aside: bool) -> tuple[tuple[str, str], ...]:
    """Caption and data of the pictures that bear on the verdict, or of those that stand with the evidence alone."""
    shown = [one for one in (pictures.shown if pictures else ()) if (one.of in present.ASIDE) is aside]
    return tuple((one.caption or _label(one.of), data_uri(one.jpeg)) for one in shown)


def _label(attribute: str) -> str:
    if attribute in present.ASIDE:
        return present.ASIDE[attribute]
    return "The same place in the photo" if attribute == "photo" else present.label(attribute)


def alt_of(report: ExhibitReport) -> str:
    """What a picture of an exhibit shows, for those who do not see it: the finding."""
    faces = ", ".join(face.id for face in report.faces)
    return f"{report.exhibit.id}. {report.verdict.headline} {f'Marked: {faces}.' if faces else 'No face is marked.'}"


def _caption(report: ExhibitReport, pictures: Pictures | None) -> str:
    marks = []
    if report.faces:
        marks.append("Corners: faces found.")
    if pictures and pictures.marked:
        marks.append("Dashed yellow: where the finding lies.")
    return " ".join(marks)


@dataclass(frozen=True)
class Across:
    """What concerns several exhibits. portraits: (face id, image id, picture) of the faces compared."""

    claims: tuple[Claim, ...]
    groups: tuple[present.Group, ...]
    portraits: tuple[tuple[str, str, str], ...]

    @staticmethod
    def of(report: Report, pictures: Mapping[str, Pictures]) -> Across:
        subjects = {part for row in report.across_evidence for part in row.subject.split(" + ")}
        compared = [face for item in report.exhibits for face in item.faces if face.id in subjects]
        return Across(
            claims=report.across,
            groups=present.groups(report.across_evidence),
            portraits=tuple(
                (face.id, face.image, data_uri(pictures[face.image].faces[face.id]))
                for face in compared
                if face.image in pictures and face.id in pictures[face.image].faces
            ),
        )
