"""Maps between stored, upright, scaled and rotated pixels: what one does, its inverse undoes."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from faceagent.geometry import Affine, Point, whole_pixels
from faceagent.types import Box

numbers = st.floats(-1e4, 1e4, allow_nan=False)
points = st.tuples(numbers, numbers)
sides = st.integers(1, 5000)
orientations = st.integers(1, 8)


@st.composite
def maps(draw: st.DrawFn) -> Affine:
    """Scalings, rotations and shifts as they occur on photos, chained."""
    chained = Affine.rotation(draw(st.floats(-360, 360)), draw(points))
    chained = chained.then(Affine.scaling(draw(st.floats(0.05, 20)), draw(st.floats(0.05, 20))))
    return chained.then(Affine.translation(draw(numbers), draw(numbers)))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x0, x1 = sorted((draw(numbers), draw(numbers)))
    y0, y1 = sorted((draw(numbers), draw(numbers)))
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)


def close(one: Point, other: Point, size: float = 1e6) -> bool:
    return math.dist(one, other) <= 1e-9 * size


@given(maps(), points)
def test_the_inverse_leads_back(there: Affine, p: Point) -> None:
    assert close(there.inverse().point(there.point(p)), p)


@given(maps(), maps(), points)
def test_then_is_one_map_after_the_other(first: Affine, second: Affine, p: Point) -> None:
    assert close(first.then(second).point(p), second.point(first.point(p)), size=1e8)


@given(maps(), points)
def test_the_rows_are_the_map(there: Affine, p: Point) -> None:
    (a, b, c), (d, e, f) = there.rows()
    assert there.point(p) == (a * p[0] + b * p[1] + c, d * p[0] + e * p[1] + f)


def test_a_quarter_turn_is_clockwise_as_seen() -> None:
    assert close(Affine.rotation(90, about=(10, 10)).point((10, 0)), (20, 10))


def test_a_flattening_map_has_no_inverse() -> None:
    with pytest.raises(ZeroDivisionError):
        Affine.scaling(1, 0).inverse()


@given(orientations, sides, sides)
def test_an_orientation_maps_the_frame_onto_the_frame(orientation: int, width: int, height: int) -> None:
    upright = Affine.from_exif_orientation(orientation, width, height)
    frame = Box(x0=0, y0=0, x1=width, y1=height).mapped(upright)
    turned = orientation >= 5
    assert frame == Box(x0=0, y0=0, x1=height if turned else width, y1=width if turned else height)


@given(orientations, sides, sides)
def test_mirrored_orientations_mirror_and_the_others_do_not(orientation: int, width: int, height: int) -> None:
    (a, b, _), (d, e, _) = Affine.from_exif_orientation(orientation, width, height).rows()
    assert a * e - b * d == (-1 if orientation in (2, 4, 5, 7) else 1)


@pytest.mark.parametrize("orientation", [0, 9, -1, 255])
def test_an_unknown_orientation_means_none(orientation: int) -> None:
    assert Affine.from_exif_orientation(orientation, 40, 30) == Affine()


@given(boxes(), maps(), st.floats(0, 1), st.floats(0, 1))
def test_what_is_in_a_box_is_in_the_mapped_box(box: Box, there: Affine, along: float, down: float) -> None:
    x, y = there.point((box.x0 + along * box.width, box.y0 + down * box.height))
    mapped = box.mapped(there)
    slack = 1e-3
    assert mapped.x0 - slack <= x <= mapped.x1 + slack
    assert mapped.y0 - slack <= y <= mapped.y1 + slack


@given(boxes(), orientations, sides, sides)
def test_a_box_survives_an_orientation_and_back(box: Box, orientation: int, width: int, height: int) -> None:
    upright = Affine.from_exif_orientation(orientation, width, height)
    back = box.mapped(upright).mapped(upright.inverse())
    assert close((back.x0, back.y0), (box.x0, box.y0))
    assert close((back.x1, back.y1), (box.x1, box.y1))


@given(boxes(), boxes())
def test_overlap_is_symmetric_and_bounded(one: Box, other: Box) -> None:
    assert one.iou(other) == pytest.approx(other.iou(one))
    assert 0 <= one.iou(other) <= 1 + 1e-9
    assert one.intersection(other) <= min(one.area, other.area) * (1 + 1e-9)


@given(boxes())
def test_a_box_overlaps_itself_wholly_unless_it_is_empty(box: Box) -> None:
    assert box.iou(box) == pytest.approx(1.0 if box.area > 0 else 0.0)


@given(boxes(), st.floats(0.1, 10))
def test_overlap_does_not_depend_on_the_scale(box: Box, scale: float) -> None:
    assume(box.area > 1e-3)
    other = box.scaled_about_centre(0.5)
    scaled = Affine.scaling(scale)
    assert box.mapped(scaled).iou(other.mapped(scaled)) == pytest.approx(box.iou(other), rel=1e-6)


@given(boxes(), sides, sides)
def test_a_clipped_box_lies_in_the_frame(box: Box, width: int, height: int) -> None:
    clipped = box.clipped(width, height)
    assert clipped.x0 >= 0 and clipped.y0 >= 0 and clipped.x1 <= width and clipped.y1 <= height
    assert clipped.area == pytest.approx(box.intersection(Box(x0=0, y0=0, x1=width, y1=height)))


@given(boxes(), st.floats(0.01, 100))
def test_growing_keeps_the_centre(box: Box, factor: float) -> None:
    grown = box.scaled_about_centre(factor)
    assert close(grown.centre, box.centre)
    assert grown.width == pytest.approx(box.width * factor, abs=1e-6)


def test_a_box_must_be_ordered() -> None:
    with pytest.raises(ValueError, match="x0 <= x1"):
        Box(x0=2, y0=0, x1=1, y1=1)


@given(sides, st.floats(-1, 1))
def test_a_length_below_a_line_does_not_reach_it_in_whole_pixels(line: int, beyond: float) -> None:
    assert (whole_pixels(line + beyond) < line) is (line + beyond < line)
