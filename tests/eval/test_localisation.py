"""Metrics of places against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from faceagent_eval import localisation

BOX = np.array([[0.0, 0.0, 9.0, 9.0]])


def test_a_box_is_a_pixel_wider_than_its_width_says() -> None:
    shared = localisation.overlaps(np.array([[5.0, 0.0, 9.0, 9.0]]), BOX)
    assert shared[0, 0] == pytest.approx(50 / 150)


def test_one_face_found_twice_is_one_hit_and_one_false_alarm() -> None:
    found = np.repeat(BOX, 2, axis=0)
    counts = localisation.wider_counts(found, np.array([0.5, 1.0]), BOX, np.array([True]))
    assert counts[0].tolist() == [1, 1]
    assert counts[-1].tolist() == [2, 1]
    assert localisation.wider_average_precision(counts, 1) == pytest.approx(1.0)
    assert localisation.wider_average_precision(counts, 2) == pytest.approx(0.5)


def test_a_face_that_is_ignored_counts_neither_way() -> None:
    labelled = np.vstack([BOX, BOX + np.array([100, 0, 0, 0])])
    found = np.vstack([labelled, BOX + np.array([0, 200, 0, 0])])
    kept = np.array([True, False])
    counts = localisation.wider_counts(found, np.array([0.2, 0.9, 0.6]), labelled, kept)
    # The ignored one is passed over; the false one comes before the right one: precision 1/2 at recall 1.
    assert counts[-1].tolist() == [2, 1]
    assert localisation.wider_average_precision(counts, 1) == pytest.approx(0.5)


def test_errors_of_points_and_their_area() -> None:
    points = np.zeros((2, 2))
    assert localisation.normalised_error(points, np.array([[3.0, 4.0], [0.0, 0.0]]), 50.0) == pytest.approx(0.05)
    errors = np.array([0.0, 0.04, 0.2, np.inf])
    grid = np.linspace(0, 0.08, 100_001)
    below = np.searchsorted(np.sort(errors), grid, side="right") / 4
    assert localisation.error_area(errors, 0.08) == pytest.approx(np.trapezoid(below, grid) / 0.08, abs=1e-4)


def test_angles_differ_the_shorter_way_round() -> None:
    assert localisation.angle_error(np.array([179.0, 10.0]), np.array([-179.0, -10.0])).tolist() == [2.0, 20.0]
