"""The score of a face over the time of a video, laid out for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faceagent.messages import wording
from faceagent.report.language import subject_in
from faceagent.types import Evidence
from faceagent.video import clock

WIDTH, HEIGHT = 1000, 150
"""Units of the drawing: the whole video, and a probability of 1."""
_TICKS = 4


@dataclass(frozen=True)
class Bar:
    """One stretch of time. above: whether it reaches the line, in which case its colour says so as well."""

    x: float
    width: float
    height: float
    above: bool


@dataclass(frozen=True)
class Timeline:
    """line: height of the line for photos. gaps: where frames could not be decoded. ticks: places and their times."""

    bars: tuple[Bar, ...]
    line: float
    gaps: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]
    alt: str
    caption: str


def timelines(evidence: Sequence[Evidence], language: str = "en") -> tuple[Timeline, ...]:
    """One for each face that was examined through a video; none for a photo."""
    frames = next((row for row in evidence if row.attribute == "frames"), None)
    duration = _number(frames.details.get("duration_seconds")) if frames else 0.0
    if duration <= 0:
        return ()
    places = [place for row in evidence if row.attribute == "undecodable" for place in _list(row.details.get("places"))]
    gaps = tuple(_x(_number(place.get("seconds")), duration) for place in places if isinstance(place, dict))
    return tuple(_laid_out(row, duration, gaps, language) for row in evidence if row.details.get("timeline"))


def _laid_out(row: Evidence, duration: float, gaps: tuple[float, ...], language: str) -> Timeline:
    _ = wording(language)
    line = _number(row.details.get("line_as_probability"))
    stretches = [[_number(part) for part in _list(one)] for one in _list(row.details.get("timeline"))]
    bars = tuple(
        Bar(_x(start, duration), _x(end, duration) - _x(start, duration), max(2.0, HEIGHT * share), share >= line)
        for start, end, share in stretches
    )
    worst = max(stretches, key=lambda stretch: stretch[2])
    told = {
        "face": subject_in(row.subject, language),
        "start": clock(worst[0]),
        "end": clock(worst[1]),
        "above": sum(bar.above for bar in bars),
        "all": len(bars),
    }
    alt = _("Over time, %(face)s: highest from %(start)s to %(end)s; %(above)s of %(all)s stretches reach the line.")
    caption = _(
        "Over the video, %(face)s: probability of alteration in the median frame of each stretch; dashed: the line for "
        "photos."
    )
    crosses = _("Crosses: what could not be decoded.")
    caption = f"{caption} {crosses}" if gaps else caption
    ticks = tuple((WIDTH * tick / _TICKS, clock(duration * tick / _TICKS)) for tick in range(_TICKS + 1))
    return Timeline(bars, round(HEIGHT * line, 1), gaps, ticks, alt % told, caption % told)


def _x(seconds: float, duration: float) -> float:
    return round(WIDTH * min(max(seconds / duration, 0.0), 1.0), 1)


def _number(found: object) -> float:
    return float(found) if isinstance(found, int | float) else 0.0


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
