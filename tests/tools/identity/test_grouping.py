"""Faces by person: who is put together, what falls apart, and what a name is worth."""

from __future__ import annotations

import numpy as np
import pytest
from identity_fakes import vector

from faceagent.review import Seen
from faceagent_tools.identity import grouping
from faceagent_tools.identity.templates import likeness


def seen(*people):
    """A face for each (person, off), as the fake recogniser sees it."""
    return [Seen(vector(who, off), b"", None) for who, off in people]


THREE = seen((1, 0.1), (2, 0.1), (1, 0.12), (3, 0.1), (2, 0.11), (1, 0.09))


def test_faces_of_one_person_come_together_the_largest_group_first():
    assert grouping.grouped(THREE) == [(0, 2, 5), (1, 4), (3,)]
    assert grouping.grouped([]) == []


def test_a_group_of_two_people_falls_apart_into_them():
    assert grouping.divided([THREE[at] for at in (0, 1, 2, 4)]) == [(0, 2), (1, 3)]


def test_copies_of_one_photo_fall_apart_into_single_faces():
    assert grouping.divided(seen((1, 0.1), (1, 0.1))) == [(0,), (1,)]


def test_the_line_rises_with_the_number_of_faces():
    assert grouping.line(10) < grouping.line(2000) < grouping.line(5000)


def test_in_blocks_the_same_pairs_are_joined(monkeypatch):
    vectors = [one.vector for one in THREE * 3]
    least = grouping.line(len(vectors))
    left, right = np.nonzero(np.triu(likeness(vectors) >= least))
    assert len(left) > len(vectors)
    monkeypatch.setattr(grouping, "_AT_ONCE", 2 * len(vectors) + 1)
    found = grouping.joins(vectors, least)
    assert (found[0].tolist(), found[1].tolist()) == (left.tolist(), right.tolist())


def test_a_person_with_many_photos_of_a_few_moments_stays_one():
    """More photos of each moment than joins are kept of a face: the nearest ones alone would be of that moment."""
    random = np.random.default_rng(0)
    moments = [vector(1, 0.1) + 0.02 * random.normal(size=128) for _ in range(4)]
    faces = [Seen(one + 1e-4 * random.normal(size=128), b"", None) for one in moments for _ in range(100)]
    (group,) = grouping.grouped(faces)
    assert len(group) == 400
    left, _ = grouping.joins([one.vector for one in faces], grouping.line(400))
    assert len(left) < 400 * 2 * grouping.MOST_JOINS < 400 * 400 / 2


def test_a_group_is_worth_its_likely_faces_and_the_doubtful_ones_near_it(monkeypatch):
    alike = np.array([[0.1, 0.05, -0.01, -0.2], [0.05, 0.1, 0.0, -0.2], [-0.01, 0.0, 0.1, -0.2], [-0.2] * 3 + [0.1]])
    monkeypatch.setattr(grouping, "_alike", lambda seen: alike)
    pair, doubtful, stranger = grouping.weighed(THREE[:4], [(0, 1), (2,), (3,)])
    assert (pair.settles, stranger.settles) == (1, 0)
    assert doubtful.settles == 2  # in doubt both ways
    assert pair.certain[0] == 1 and 0.9 < pair.certain[1] < 1 and len(doubtful.certain) == 1
    only, _ = grouping.weighed(THREE[:4], [(0, 1), (3,)])
    assert only.settles == 0  # who is known already is in no doubt


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (2, 0, 4, 3, 1, 5)])
def test_the_order_of_the_photos_does_not_matter(order):
    found = grouping.grouped([THREE[at] for at in order])
    assert {frozenset(order[at] for at in group) for group in found} == {
        frozenset(group) for group in ((0, 2, 5), (1, 4), (3,))
    }
