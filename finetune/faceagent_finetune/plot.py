"""Curves as small SVG pictures, drawn from what stands in a result's JSON. No plotting library is needed."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np
import numpy.typing as npt

from faceagent.types import Finite, Frozen

Point = tuple[Finite, Finite]

_WIDTH, _HEIGHT = 640, 420
_LEFT, _TOP, _SIDE, _BELOW = 64, 44, 340, 332  # of the frame, in pixels; the legend is to the right of it
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # told apart by colour-blind
_DASHES = ("", "6 3", "2 3")  # for the lines after these colours
_TICKS = 5
_MOST = 200  # points of a line


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


def svg(chart: Chart) -> str:
    """The picture."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" font-family="sans-serif" font-size="12" fill="#222" role="img">',
            f"<title>{escape(chart.title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            _text(_LEFT, _TOP - 18, chart.title, 'font-size="15" font-weight="bold"'),
            *_axes(chart),
            *_lines(chart),
            "</svg>\n",
        ]
    )


def _axes(chart: Chart) -> Iterator[str]:
    right, bottom = _LEFT + _SIDE, _TOP + _BELOW
    for share in np.linspace(0, 1, _TICKS).tolist():
        x, y = _LEFT + share * _SIDE, bottom - share * _BELOW
        yield f'<path d="M{x:.1f} {_TOP}V{bottom}M{_LEFT} {y:.1f}H{right}" stroke="#e4e4e4" fill="none"/>'
        yield _text(x, bottom + 18, _number(chart.xs, share), 'text-anchor="middle"')
        yield _text(_LEFT - 8, y + 4, _number(chart.ys, share), 'text-anchor="end"')
    if chart.diagonal:
        yield f'<path d="M{_LEFT} {bottom}L{right} {_TOP}" stroke="#999" stroke-dasharray="4 4"/>'
    yield f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_BELOW}" fill="none" stroke="#222"/>'
    yield _text(_LEFT + _SIDE / 2, bottom + 38, chart.x, 'text-anchor="middle"')
    middle = _TOP + _BELOW / 2
    yield _text(16, middle, chart.y, f'text-anchor="middle" transform="rotate(-90 16 {middle})"')


def _lines(chart: Chart) -> Iterator[str]:
    for index, (name, points) in enumerate(chart.lines.items()):
        dashes = _DASHES[index // len(_COLOURS) % len(_DASHES)]
        style = f'stroke="{_COLOURS[index % len(_COLOURS)]}" stroke-width="2" stroke-dasharray="{dashes or "none"}"'
        places = " ".join(
            f"{_place(x, chart.xs, _SIDE):.1f},{_BELOW - _place(y, chart.ys, _BELOW):.1f}" for x, y in points
        )
        yield f'<polyline points="{places}" transform="translate({_LEFT} {_TOP})" fill="none" {style}/>'
        row = _TOP + 10 + 18 * index
        yield f'<path d="M{_LEFT + _SIDE + 16} {row}h22" fill="none" {style}/>'
        yield _text(_LEFT + _SIDE + 44, row + 4, name)


def _place(value: float, ends: Point, size: int) -> float:
    """Where a value lies along an axis of that many pixels; what is beyond its ends lies at the end."""
    return min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0) * size


def _number(ends: Point, share: float) -> str:
    return f"{ends[0] + share * (ends[1] - ends[0]):.3g}"


def _text(x: float, y: float, words: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
