"""What an answer shows beside its words: probabilities and intervals as bars, a picture laid over the photo, two faces
side by side. All of it is drawn from the evidence that the answer cites."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from faceagent.media import Photo
from faceagent.report import present
from faceagent.report.drawing import FACE_SIDE, part_of, shown_for
from faceagent.session import Session
from faceagent.types import Answer, Box, Evidence, Frozen, Step, Unit

_ROUND = 5  # the ends of an interval's scale are whole multiples of this


class Bar(Frozen):
    """One number on its scale. at, low, high, prior: places on the scale, 0-1. said: the finding in words."""

    evidence: str
    said: str
    at: Unit
    low: Unit | None = None
    high: Unit | None = None
    prior: Unit | None = None
    ends: tuple[str, str]


class Slider(Frozen):
    """Two JPEGs of the same place in base64: the photo, and over it what was found."""

    evidence: str
    title: str
    before: str
    after: str


class Part(Frozen):
    """A part of the face and how much it supports (above 0) or opposes a likeness, -1 to 1 of the strongest."""

    name: str
    support: float


class Pair(Frozen):
    """Two faces side by side. faces: their ids; pictures: JPEGs in base64, a third shows where the likeness rests."""

    evidence: str
    faces: tuple[str, str]
    pictures: tuple[str, ...]
    parts: tuple[Part, ...] = ()


class Made(Frozen):
    """A file that a tool made, in base64."""

    name: str
    media_type: str
    data: str


class Told(Frozen):
    """One question, its answer, and what the page shows of both.

    given: (what it is, JPEG in base64) of the files that came with the question. failures: why a file could not be
    used. calls: of each tool call the steps that it took, its own last.
    """

    answer: Answer
    remarks: tuple[str, ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    calls: tuple[tuple[Step, ...], ...] = ()
    bars: tuple[Bar, ...] = ()
    sliders: tuple[Slider, ...] = ()
    pairs: tuple[Pair, ...] = ()
    made: tuple[Made, ...] = ()


def bars(answer: Answer) -> tuple[Bar, ...]:
    """Of the evidence that the answer's claims cite: its calibrated probabilities, and values with an interval."""
    cited = {name for claim in answer.claims for name in claim.evidence}
    rows = [row for row in answer.evidence if row.id in cited and row.status == "ok"]
    return tuple(bar for row in rows for bar in _bar(row))


def _bar(row: Evidence) -> Iterator[Bar]:
    where = f"{row.subject[:1].upper()}{row.subject[1:]}"
    if row.probability is not None:
        found = row.probability
        said = f"{where}: probability {present.likely(found.value)} that {found.event}"
        yield Bar(evidence=row.id, said=said, at=found.value, prior=found.prior, ends=("0", "1"))
    elif row.interval is not None and isinstance(row.value, int | float) and not isinstance(row.value, bool):
        low, high, value = row.interval.low, row.interval.high, float(row.value)
        start, end = _scale(low, high, row)
        unit = f" {row.unit}" if row.unit else ""
        said = (
            f"{where}: {present.label(row.attribute).lower()} {present.number(value)}{unit}, "
            f"{present.share(row.interval.level)} interval {present.number(low)} to {present.number(high)}"
        )
        yield Bar(
            evidence=row.id,
            said=said,
            at=_on(value, start, end),
            low=_on(low, start, end),
            high=_on(high, start, end),
            ends=(present.number(start), present.number(end)),
        )


def _scale(low: float, high: float, row: Evidence) -> tuple[float, float]:
    """Ages from 0 to 100; else as much again on both sides."""
    if row.unit == "years":
        return 0.0, 100.0
    margin = max(high - low, 1.0)
    return _ROUND * ((low - margin) // _ROUND), _ROUND * -((-high - margin) // _ROUND)


def _on(value: float, start: float, end: float) -> float:
    return min(max((value - start) / (end - start), 0.0), 1.0)


def sliders(answer: Answer, session: Session) -> tuple[Slider, ...]:
    """Pictures that a tool drew over a part of a photo, each with that part as it is."""
    return tuple(
        slider for row in answer.evidence if row.attribute not in present.ASIDE for slider in _slid(row, session)
    )


def _slid(row: Evidence, session: Session) -> Iterator[Slider]:
    key = str(row.details.get("picture"))
    data, place = session.picture(key), session.place_of(key)
    if data is None:
        return
    photo = session.photo(session.image_of(row.subject))
    shown = {one.of: one.jpeg for one in shown_for(row, data, photo)}
    if place is not None:
        shown["photo"] = part_of(photo, place)
    if {"photo", row.attribute} <= shown.keys():
        before, after = encoded(shown["photo"]), encoded(shown[row.attribute])
        yield Slider(evidence=row.id, title=present.label(row.attribute), before=before, after=after)


def pairs(answer: Answer, session: Session) -> tuple[Pair, ...]:
    """Faces that were compared, side by side, and part by part where that was asked for."""
    rows = [row for row in answer.evidence if row.attribute == "same_person" and row.status == "ok"]
    return tuple(_pair(row, session) for row in rows[:6])


def _pair(row: Evidence, session: Session) -> Pair:
    first, second = row.subject.split(" + ")
    pictures = [encoded(_face(session, face)) for face in (first, second)]
    data = session.picture(str(row.details.get("picture")))
    if data is not None:
        photo = session.photo(session.image_of(first))
        pictures += [encoded(one.jpeg) for one in shown_for(row, data, photo)[:1]]
    return Pair(evidence=row.id, faces=(first, second), pictures=tuple(pictures), parts=_parts(row))


def _parts(row: Evidence) -> tuple[Part, ...]:
    support = row.details.get("support")
    if not isinstance(support, dict):
        return ()
    found = {name: float(value) for name, value in support.items() if isinstance(value, int | float)}
    most = max((abs(value) for value in found.values()), default=0.0) or 1.0
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return tuple(Part(name=present.plain(name), support=round(value / most, 3)) for name, value in ordered)


def _face(session: Session, face_id: str) -> bytes:
    face = session.face(face_id)
    photo = session.photo(face.image)
    side = max(face.box.width, face.box.height) * 1.35
    (x, y), half = face.box.centre, side / 2
    return part_of(photo, Box(x0=x - half, y0=y - half, x1=x + half, y1=y + half), FACE_SIDE * 2)


def made(before: Sequence[str], session: Session) -> tuple[Made, ...]:
    """Files that tools made. before: ids of those that were there already."""
    fresh = [output for key, output in session.outputs.items() if key not in before]
    return tuple(Made(name=one.name, media_type=one.media_type, data=encoded(one.data)) for one in fresh)


def thumbnail(photo: Photo | None) -> str:
    """A small copy in base64; nothing of nothing."""
    if photo is None:
        return ""
    whole = Box(x0=0, y0=0, x1=photo.width, y1=photo.height)
    return encoded(part_of(photo, whole))


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
