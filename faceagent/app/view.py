"""What the page shows of a conversation, as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from faceagent.app import text
from faceagent.app.conversations import Shelf
from faceagent.app.desk import Desk
from faceagent.app.figures import Told, encoded
from faceagent.app.talk import Running, Talk
from faceagent.messages import wording
from faceagent.narrate import LABELS
from faceagent.report import present
from faceagent.report.conversation import exhibit_of, pictures_of
from faceagent.report.document import alt_of
from faceagent.report.language import group_in
from faceagent.session import Session
from faceagent.translate import text_in, translated
from faceagent.types import Box, Evidence

_FOLLOWING = 3
_FACE = re.compile(r"face \d+\.\d+")


def turn(desk: Desk, state: Running | Told, number: int, following: Sequence[str] = ()) -> str:
    """One question and what is known of its answer so far."""
    answer = translated(state.answer, desk.language) if isinstance(state, Told) and state.answer else None
    claims = answer.claims if answer else ()
    _ = wording(desk.language)
    return text.render(
        desk,
        "turn.html.j2",
        state=state,
        answer=answer,
        question=answer.question if answer else state.question,  # type: ignore[union-attr]
        number=number,
        leads=[claim for claim in claims if claim.role == "answer"],
        reasons=[claim for claim in claims if claim.role == "reason"],
        doubts=[claim for claim in claims if claim.role == "doubt"],
        calls=[call for call in state.calls if call],
        seconds=sum(step.milliseconds for call in state.calls for step in call) / 1000,
        running=getattr(state, "tool", None),
        error=getattr(state, "error", None),
        labels={tool: _(label) for tool, label in LABELS.items()},
        following=following,
        remarks=[text_in(remark, desk.language) for remark in getattr(state, "remarks", ())],
    )


@dataclass
class Spot:
    """A place on a photo that evidence is about, in hundredths of its width and height."""

    left: float
    top: float
    width: float
    height: float
    evidence: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sheet:
    """A photo with its faces marked. jpeg: in base64. alt: the finding."""

    image: str
    name: str
    jpeg: str
    width: int
    height: int
    alt: str
    spots: tuple[Spot, ...]


def aside(desk: Desk, talk: Talk) -> str:
    """The photos of the conversation and all its evidence, the evidence that was cited first."""
    answers = [told.answer for told in talk.told]
    rows = tuple({row.id: row for answer in answers for row in answer.evidence}.values())
    claims = [claim for answer in answers for claim in answer.claims]
    cited = {name for claim in claims for name in claim.evidence}
    sheets = (
        []
        if talk.session is None
        else [_sheet(desk, talk.session, image, claims, rows) for image in talk.session.images]
    )
    groups = [group_in(group, desk.language) for row in rows for group in present.groups([row])]
    return text.render(
        desk,
        "aside.html.j2",
        sheets=sheets,
        cited=[group for group in groups if group.rows[0].id in cited],
        others=[group for group in groups if group.rows[0].id not in cited],
        bars={bar.evidence: bar for told in talk.told for bar in told.bars},
    )


def _sheet(desk: Desk, session: Session, image: str, claims: Sequence[object], rows: Sequence[Evidence]) -> Sheet:
    photo = session.photo(image)
    exhibit = exhibit_of(session, photo.exhibit(image), claims, rows)  # type: ignore[arg-type]
    drawn = pictures_of(session, exhibit)
    finding = exhibit.findings[0].sentence if exhibit.findings else exhibit.verdict.headline
    spots: dict[Box, Spot] = {}
    for row in rows:
        for place in _places(session, image, row):
            box = place.clipped(photo.width, photo.height)
            spot = spots.setdefault(box, _spot(box, photo.width, photo.height))
            spot.evidence.append(row.id)
    return Sheet(
        image=image,
        name=photo.name,
        jpeg=encoded(drawn.annotated),
        width=drawn.width,
        height=drawn.height,
        alt=alt_of(exhibit, desk.language, text_in(finding, desk.language)),
        spots=tuple(spots.values()),
    )


def _places(session: Session, image: str, row: Evidence) -> Iterator[Box]:
    """Where on this photo evidence lies: its region, or the faces that it is about."""
    if row.region is not None:
        if session_image(session, row.subject) == image:
            yield row.region
        return
    for part in row.subject.split(" + "):
        yield from (face.box for face in session.faces(image) if face.id == part)


def session_image(session: Session, subject: str) -> str | None:
    first = subject.split(" + ")[0]
    if first.startswith("video"):
        return None
    image = f"image {first.split()[1].split('.')[0]}"
    return image if image in session.images else None


def _spot(box: Box, width: int, height: int) -> Spot:
    return Spot(
        left=round(100 * box.x0 / width, 2),
        top=round(100 * box.y0 / height, 2),
        width=round(100 * box.width / width, 2),
        height=round(100 * box.height / height, 2),
    )


def shelf(desk: Desk, kept: Shelf, chosen: str | None) -> str:
    """The list of conversations, newest first; one that is damaged can still be deleted."""
    rows = [(one.id, one.name_or(desk.gettext("Damaged conversation"))) for one in kept]
    return text.render(desk, "shelf.html.j2", rows=rows, chosen=chosen)


def following(desk: Desk, talk: Talk) -> list[str]:
    """Questions that may come next: who was meant, where that was asked, else what was not examined yet."""
    if not talk.told or talk.session is None:
        return []
    last = talk.told[-1].answer
    if last.status == "needs_clarification":
        return list(dict.fromkeys(_FACE.findall(last.text)))
    if not talk.session.images:
        return []
    used = {step.tool for told in talk.told for step in told.answer.steps}
    return [said for tool, said in _next(desk.gettext, talk.session, used) if tool not in used][:_FOLLOWING]


def _next(_: Callable[[str], str], session: Session, used: set[str]) -> Iterator[tuple[str, str]]:
    several = len({face.image for face in session.faces()}) > 1
    if several:
        yield "compare_faces", _("Do these show the same person?")
        if "compare_faces" in used:
            yield "parse_face", _("In which parts are the two faces alike?")
    yield "detect_forgery", _("Is this photo real?")
    yield "inspect_provenance", _("What do the file’s own records say?")
    yield "assess_quality", _("Is the photo good enough to tell?")
    yield "estimate_attributes", _("How old does each person look?")
    yield "anonymize_faces", _("Hide the faces.")
