"""Rates by group against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from faceagent_eval import fairness, metrics


def people(*rates: tuple[str, int, int]) -> tuple[np.ndarray, list[str]]:
    """Hits and groups of (name, hits, n)."""
    hits = [number < right for _, right, n in rates for number in range(n)]
    return np.array(hits), [name for name, _, n in rates for _ in range(n)]


def test_rates_gap_and_worst_group_by_hand():
    hits, groups = people(("a", 90, 100), ("b", 60, 100), ("c", 45, 50))
    found = {figure.name: figure for figure in fairness.by_group("accuracy by race", hits, groups)}
    assert found["accuracy by race, a"].value == pytest.approx(0.9)
    assert found["accuracy by race, c"].n == 50
    expected = metrics.wilson(60, 100)
    assert found["accuracy by race, b"].interval.low == expected.low
    apart = found["accuracy by race: largest gap"]
    assert apart.value == pytest.approx(0.3)
    assert apart.interval.low < 0.3 < apart.interval.high
    assert "against b; more than the" in apart.note
    worst = found["accuracy by race: worst group"]
    assert worst.value == pytest.approx(0.6) and worst.note == "b" and worst.interval is not None


def test_of_errors_the_highest_rate_is_the_worst():
    hits, groups = people(("a", 9, 100), ("b", 60, 100))
    found = {figure.name: figure for figure in fairness.by_group("errors", hits, groups, higher_is_better=False)}
    assert found["errors: worst group"].note == "b"
    assert fairness.gap(hits, np.array(groups)).worst == "a"


def test_a_small_group_is_told_and_held_against_no_other():
    hits, groups = people(("a", 90, 100), ("b", 85, 100), ("few", 0, 5))
    found = {figure.name: figure for figure in fairness.by_group("x", hits, groups)}
    assert "too few" in found["x, few"].note
    assert found["x: largest gap"].value == pytest.approx(0.05)
    assert found["x: largest gap"].n == 200
    assert "no more than" in found["x: largest gap"].note


def test_with_fewer_than_two_groups_there_is_no_gap():
    hits, groups = people(("a", 90, 100), ("few", 0, 5))
    assert [figure.name for figure in fairness.by_group("x", hits, groups)] == ["x, a", "x, few"]
    assert list(fairness.by_group("x", [], [])) == []


def test_groups_that_fare_alike_differ_by_no_more_than_chance_nineteen_times_in_twenty():
    generator = np.random.default_rng(1)
    labels = np.repeat(list("abcdefg"), 60)
    trials = [fairness.gap(generator.random(420) < 0.7, labels, seed=trial) for trial in range(60)]
    beyond = sum(one.gap > one.by_chance for one in trials)
    assert beyond <= 9  # more would happen once in two thousand times, were each one in twenty


def test_what_is_not_known_of_somebody_counts_in_no_group():
    people = [{"gender": "male", "age": "old"}] * 40 + [{"gender": "female"}] * 40 + [{}] * 5
    found = {figure.name: figure for figure in fairness.by_each("x", [True] * 85, people)}
    assert found["x by gender, female"].n == 40
    assert found["x by age, old"].n == 40
    assert found["x by gender: largest gap"].n == 80
    assert "x by age: largest gap" not in found
