"""Curves as small pictures, SVG or PNG, drawn from what stands in a result's JSON. No plotting library is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from io import BytesIO
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from faceagent.types import Finite, Frozen

Point = tuple[Finite, Finite]

_WIDTH, _HEIGHT = 640, 420
_LEFT, _TOP, _SIDE, _BELOW = 64, 44, 340, 332  # of the frame, in pixels; the legend is to the right of it
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # told apart by colour-blind
_DASHES = ((), (6, 3), (2, 3))  # for the lines after these colours: pixels drawn, pixels left
_TICKS = 5
_MOST = 200  # points of a line
_DARK, _GRID, _FAINT = "#222222", "#e4e4e4", "#999999"
_SIZE, _HEADING = 12, 15  # of letters, in pixels
_SHARP = 2  # pixels of the PNG to one of the SVG
_FINE = 2  # it is drawn so many times larger, and made smaller for smooth edges


class Chart(Frozen):
    """Lines over one pair of axes.

    lines: by name, in the order of the legend. xs, ys: what the axes show, from left to right and from below; may fall.
    diagonal: draw the line from corner to corner, which is chance (ROC) or perfect (reliability).
    """

    title: str
    x: str
    y: str
    lines: dict[str, tuple[Point, ...]]
    xs: Point = (0.0, 1.0)
    ys: Point = (0.0, 1.0)
    diagonal: bool = False


def line(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[Point, ...]:
    """A line for a `Chart`, thinned to some 200 points with both ends kept."""
    keep = np.unique(np.linspace(0, x.size - 1, min(_MOST, x.size)).astype(int))
    return tuple(zip(x[keep].round(5).tolist(), y[keep].round(5).tolist(), strict=True))


class _Stroke(NamedTuple):
    """points: in pixels of the picture, from its upper left corner. dash: pixels drawn and left in turn, () for all."""

    points: Sequence[tuple[float, float]]
    colour: str = _DARK
    width: float = 1
    dash: Sequence[int] = ()


class _Words(NamedTuple):
    """x, y: where their baseline has its start, middle or end. turned: written upwards around that place."""

    x: float
    y: float
    words: str
    anchor: Literal["start", "middle", "end"] = "start"
    heading: bool = False
    turned: bool = False


def svg(chart: Chart) -> str:
    """The picture, as text."""
    marks = [_svg_stroke(mark) if isinstance(mark, _Stroke) else _svg_words(mark) for mark in _marks(chart)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" font-family="sans-serif" font-size="{_SIZE}" fill="{_DARK}" role="img">',
            f"<title>{escape(chart.title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            *marks,
            "</svg>\n",
        ]
    )


def png(chart: Chart) -> bytes:
    """The picture, 1280 by 840 pixels, in the font that Pillow brings, which has no letters but a to z."""
    scale = _SHARP * _FINE
    canvas = Image.new("RGB", (_WIDTH * scale, _HEIGHT * scale), "white")
    for mark in _marks(chart):
        if isinstance(mark, _Stroke):
            _draw_stroke(canvas, mark, scale)
        else:
            _draw_words(canvas, mark, scale)
    written = BytesIO()
    canvas.reduce(_FINE).save(written, "PNG", optimize=True)
    return written.getvalue()


def _marks(chart: Chart) -> Iterator[_Stroke | _Words]:
    yield _Words(_LEFT, _TOP - 18, chart.title, heading=True)
    yield from _axes(chart)
    styles = [
        (_COLOURS[n % len(_COLOURS)], 2.0, _DASHES[n // len(_COLOURS) % len(_DASHES)]) for n in range(len(chart.lines))
    ]
    for points, style in zip(chart.lines.values(), styles, strict=True):
        yield _Stroke([_place(chart, point) for point in points], *style)
    for row, (name, style) in enumerate(zip(chart.lines, styles, strict=True)):
        x, y = _LEFT + _SIDE + 16, _TOP + 10 + 18 * row
        yield _Stroke([(x, y), (x + 22, y)], *style)
        yield _Words(x + 28, y + 4, name)


def _axes(chart: Chart) -> Iterator[_Stroke | _Words]:
    right, bottom = _LEFT + _SIDE, _TOP + _BELOW
    for share in np.linspace(0, 1, _TICKS).tolist():
        x, y = _LEFT + share * _SIDE, bottom - share * _BELOW
        yield _Stroke([(x, _TOP), (x, bottom)], _GRID)
        yield _Stroke([(_LEFT, y), (right, y)], _GRID)
        yield _Words(x, bottom + 18, _number(chart.xs, share), "middle")
        yield _Words(_LEFT - 8, y + 4, _number(chart.ys, share), "end")
    if chart.diagonal:
        yield _Stroke([(_LEFT, bottom), (right, _TOP)], _FAINT, dash=(4, 4))
    yield _Stroke([(_LEFT, _TOP), (right, _TOP), (right, bottom), (_LEFT, bottom), (_LEFT, _TOP)])
    yield _Words(_LEFT + _SIDE / 2, bottom + 38, chart.x, "middle")
    yield _Words(16, _TOP + _BELOW / 2, chart.y, "middle", turned=True)


def _place(chart: Chart, point: Point) -> tuple[float, float]:
    """Where a point lies in the picture; what is beyond the ends of an axis lies at its end."""
    across, up = (
        min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
        for value, ends in zip(point, (chart.xs, chart.ys), strict=True)
    )
    return _LEFT + across * _SIDE, _TOP + (1 - up) * _BELOW


def _number(ends: Point, share: float) -> str:
    value = ends[0] + share * (ends[1] - ends[0])
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _svg_stroke(mark: _Stroke) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.points)
    dash = " ".join(map(str, mark.dash)) or "none"
    return (
        f'<polyline points="{places}" fill="none" stroke="{mark.colour}" stroke-width="{mark.width:g}" '
        f'stroke-dasharray="{dash}"/>'
    )


def _svg_words(mark: _Words) -> str:
    style = f'text-anchor="{mark.anchor}"'
    if mark.heading:
        style += f' font-size="{_HEADING}" font-weight="bold"'
    if mark.turned:
        style += f' transform="rotate(-90 {mark.x:g} {mark.y:g})"'
    return f'<text x="{mark.x:.1f}" y="{mark.y:.1f}" {style}>{escape(mark.words)}</text>'


def _draw_stroke(canvas: Image.Image, mark: _Stroke, scale: int) -> None:
    draw, width = ImageDraw.Draw(canvas), round(mark.width * scale)
    for piece in _dashed(mark.points, mark.dash) if mark.dash else [mark.points]:
        draw.line([(x * scale, y * scale) for x, y in piece], mark.colour, width, joint="curve")


def _dashed(points: Sequence[tuple[float, float]], dash: Sequence[int]) -> Iterator[list[tuple[float, float]]]:
    """The pieces that are drawn of a line."""
    corners = np.asarray(points, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    drawn, left = dash
    for begin in np.arange(0.0, along[-1], drawn + left):
        end = min(begin + drawn, along[-1])
        inside = along[(along > begin) & (along < end)]
        at = np.concatenate([[begin], inside, [end]])
        yield list(zip(*(np.interp(at, along, axis).tolist() for axis in corners.T), strict=True))


def _draw_words(canvas: Image.Image, mark: _Words, scale: int) -> None:
    font = ImageFont.load_default(size=(_HEADING if mark.heading else _SIZE) * scale)
    bold = scale // 4 if mark.heading else 0
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[mark.anchor]
    if not mark.turned:
        place = (mark.x * scale, mark.y * scale)
        ImageDraw.Draw(canvas).text(place, mark.words, _DARK, font, anchor, stroke_width=bold)
        return
    # Written into a square around its place, which is then turned over the picture.
    half = round(max(font.getlength(mark.words), _HEADING * scale))
    mask = Image.new("L", (2 * half, 2 * half))
    ImageDraw.Draw(mask).text((half, half), mark.words, 255, font, anchor)
    canvas.paste(_DARK, (round(mark.x * scale) - half, round(mark.y * scale) - half), mask.rotate(90))
