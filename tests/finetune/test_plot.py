"""What is drawn: read back from the SVG and from the PNG's pixels."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from defusedxml import ElementTree
from PIL import Image

from faceagent_finetune import plot
from faceagent_finetune.plot import Chart

SVG = "{http://www.w3.org/2000/svg}"


def strokes(chart: Chart) -> list[tuple[list[tuple[float, float]], float]]:
    """Of the SVG: points in pixels, and the width."""
    return [
        ([tuple(map(float, point.split(","))) for point in line.get("points").split()], float(line.get("stroke-width")))
        for line in ElementTree.fromstring(plot.svg(chart)).iter(f"{SVG}polyline")
    ]


def drawn(chart: Chart) -> dict[str, list[tuple[float, float]]]:
    """Points by the name in the legend, in units of the frame, from below."""
    (left, top), _, (right, bottom), *_ = next(points for points, _ in strokes(chart) if len(points) == 5)
    lines = [points for points, width in strokes(chart) if width == 2][: len(chart.lines)]
    names = [text.text for text in ElementTree.fromstring(plot.svg(chart)).iter(f"{SVG}text")][-len(lines) :]
    return {
        name: [((x - left) / (right - left), (bottom - y) / (bottom - top)) for x, y in line]
        for name, line in zip(names, lines, strict=True)
    }


def test_lines_lie_where_their_values_are_and_have_their_names():
    lines = {"swap & blend": ((0.0, 0.5), (0.5, 0.75), (1.0, 1.0)), "edit": ((0.0, 0.0), (1.0, 9.0))}
    found = drawn(Chart(title="a < b", x="x", y="y", lines=lines, ys=(0.5, 1.0)))
    np.testing.assert_allclose(found["swap & blend"], [(0, 0), (0.5, 0.5), (1, 1)], atol=1e-3)
    np.testing.assert_allclose(found["edit"], [(0, 0), (1, 1)], atol=1e-3)


def test_an_axis_may_fall():
    found = drawn(Chart(title="", x="quality", y="", lines={"all": ((100.0, 1.0), (30.0, 0.0))}, xs=(100.0, 30.0)))
    np.testing.assert_allclose(found["all"], [(0, 1), (1, 0)], atol=1e-3)
    assert ">82.5<" in plot.svg(Chart(title="", x="", y="", lines={}, xs=(100.0, 30.0)))


def test_many_lines_are_told_apart():
    lines = {str(number): ((0.0, 0.0), (1.0, 1.0)) for number in range(15)}
    root = ElementTree.fromstring(plot.svg(Chart(title="", x="", y="", lines=lines)))
    lines = [one for one in root.iter(f"{SVG}polyline") if one.get("stroke-width") == "2"]
    styles = {(one.get("stroke"), one.get("stroke-dasharray")) for one in lines}
    assert len(styles) == 15


def test_a_long_line_is_thinned_and_keeps_its_ends():
    x = np.linspace(0, 1, 5001)
    found = plot.line(x, x**2)
    assert len(found) <= 200
    assert (found[0], found[-1]) == ((0, 0), (1, 1))
    assert plot.line(x[:3], x[:3])[1] == (0.0002, 0.0002)


def test_thousands_are_written_out():
    assert ">1,125<" in plot.svg(Chart(title="", x="step", y="", lines={}, xs=(0.0, 1500.0)))


def test_the_png_shows_what_the_svg_does():
    """Along each stroke of the SVG lies its colour in the PNG, where no later stroke covers it; dashes leave gaps."""
    lines = {str(number): ((0.0, number / 10), (1.0, number / 10)) for number in range(1, 9)}
    chart = Chart(title="Loss by step", x="step", y="nats", lines=lines)
    pixels = np.asarray(Image.open(BytesIO(plot.png(chart))).convert("RGB")).astype(int)
    root = ElementTree.fromstring(plot.svg(chart))
    scale = pixels.shape[1] / float(root.get("width"))
    rows = [one for one in root.iter(f"{SVG}polyline") if one.get("stroke-width") == "2"]
    assert len(rows) == 2 * len(lines)
    for row in rows:
        colour = [int(row.get("stroke")[at : at + 2], 16) for at in (1, 3, 5)]
        (x, y), (end, _) = [tuple(float(part) * scale for part in one.split(",")) for one in row.get("points").split()]
        along = pixels[round(y), round(x) + 2 : round(end) - 2]
        covered = (np.abs(along - colour).max(1) < 40).mean()
        assert covered == 1 if row.get("stroke-dasharray") == "none" else 0.5 < covered < 0.8
    # Words are written: the heading's place is not blank, nor is that of the turned name of the axis.
    assert pixels[int(8 * scale) : int(30 * scale), int(64 * scale) : int(160 * scale)].min() < 80
    assert pixels[int(180 * scale) : int(240 * scale), int(2 * scale) : int(22 * scale)].min() < 80
