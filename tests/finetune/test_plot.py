"""What is drawn: read back from the SVG."""

from __future__ import annotations

import numpy as np
from defusedxml import ElementTree

from faceagent_finetune import plot
from faceagent_finetune.plot import Chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart: Chart) -> dict[str, list[tuple[float, float]]]:
    """Points by the name in the legend, in units of the frame, from below."""
    root = ElementTree.fromstring(plot.svg(chart))
    lines = [line.get("points").split() for line in root.iter(f"{SVG}polyline")]
    names = [text.text for text in root.iter(f"{SVG}text")][-len(lines) :]
    frame = next(rect for rect in root.iter(f"{SVG}rect") if rect.get("x"))
    width, height = float(frame.get("width")), float(frame.get("height"))
    points = [[tuple(map(float, point.split(","))) for point in line] for line in lines]
    return {name: [(x / width, 1 - y / height) for x, y in line] for name, line in zip(names, points, strict=True)}


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
    styles = {(one.get("stroke"), one.get("stroke-dasharray")) for one in root.iter(f"{SVG}polyline")}
    assert len(styles) == 15


def test_a_long_line_is_thinned_and_keeps_its_ends():
    x = np.linspace(0, 1, 5001)
    found = plot.line(x, x**2)
    assert len(found) <= 200
    assert (found[0], found[-1]) == ((0, 0), (1, 1))
    assert plot.line(x[:3], x[:3])[1] == (0.0002, 0.0002)
