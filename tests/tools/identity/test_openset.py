"""The line from which somebody is named, by the size of the gallery, and the probabilities of the candidates."""

from __future__ import annotations

import pytest

from faceagent.errors import UsageError
from faceagent_tools import similarity
from faceagent_tools.identity import openset


def test_the_line_rises_with_the_gallery_and_goes_on_rising_beyond_what_was_measured():
    table = openset.table()
    lines = [table.line(count) for count in (1, 10, 100, table.largest, 10 * table.largest, 1000 * table.largest)]
    assert lines == sorted(lines)
    assert len(set(lines)) == len(lines)


def test_fewer_strangers_are_named_at_a_higher_line():
    table = openset.table()
    assert table.line(100, 0.1) < table.line(100, 0.01) < table.line(100, 0.001)


def test_a_rate_that_was_not_calibrated_is_refused():
    with pytest.raises(UsageError, match=r"0\.5 is not calibrated"):
        openset.table().line(10, 0.5)


def test_the_same_likeness_means_less_among_more_people():
    table = openset.table()
    likeness = table.line(10)
    few, many = (table.probabilities([likeness], people)[0] for people in (2, 2000))
    assert few > 0.5 > many


def test_two_candidates_share_the_probability():
    table = openset.table()
    alone = table.probabilities([0.05], 10)[0]
    first, second = table.probabilities([0.05, 0.05], 10)
    assert first == second < alone
    assert first + second <= 1


def test_the_table_was_made_with_the_network_that_is_used():
    assert openset.table().model_sha256 == similarity.table().model_sha256


def test_on_other_people_about_as_many_strangers_are_named_as_stated():
    told = openset.table().figures["other people"]
    for size in (10, 100):
        assert told[f"0.1 stated, {size} templates"] == pytest.approx(0.1, abs=0.06)
        assert told[f"0.01 stated, {size} templates"] < 0.03
