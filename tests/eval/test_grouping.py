"""The grouping benchmark: its figures on groups whose agreement is known, and its ways on faces told apart."""

from __future__ import annotations

import numpy as np
import pytest
from identity_fakes import vector

from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks.grouping import WAYS, Grouping, Read, agreement

PEOPLE = np.array([0, 0, 0, 1, 1, 2])


def test_agreement_is_whole_where_groups_are_people():
    found = agreement(PEOPLE, np.array([2, 2, 2, 0, 0, 1]))
    assert found == {
        **dict.fromkeys(("pairs, precision", "pairs, recall", "pairs, F"), 1.0),
        "V-measure": pytest.approx(1.0),
        "wrong groups": 0.0,
        "groups": 3.0,
    }


def test_agreement_of_a_mixed_group_and_a_torn_one():
    found = agreement(PEOPLE, np.array([0, 0, 1, 0, 2, 2]))
    # 1 of 4 pairs in groups are of one person, 1 of 4 pairs of one person are in a group.
    assert (found["pairs, precision"], found["pairs, recall"], found["pairs, F"]) == (0.25, 0.25, 0.25)
    assert found["wrong groups"] == 1.0


def test_v_measure_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    groups = np.array([0, 0, 1, 0, 2, 2])
    assert agreement(PEOPLE, groups)["V-measure"] == pytest.approx(metrics.v_measure_score(PEOPLE, groups))


@pytest.mark.parametrize("way", WAYS)
def test_each_way_finds_people_who_are_far_apart(way):
    if way in ("average", "hdbscan"):
        pytest.importorskip("sklearn")
    rows = [vector(who, 0.1 + number / 100) for who in (1, 2, 3) for number in range(4)]
    labels = WAYS[way](rows)
    assert agreement(np.repeat([0, 1, 2], 4), labels)["pairs, F"] == 1.0


def test_a_score_counts_portraits_without_a_face(tmp_path):
    reads = [Read(f"Ada_000{number}", vector(1, 0.1 + number / 100)) for number in range(3)]
    result = Grouping(tmp_path).score([*reads, Read("Bob_0001", None), Read("Cid_0001", vector(2, 0.1))])
    assert result.figure("pairs, F").value == 1.0 and result.figure("groups").value == 2
    assert "In 1 portraits no face" in result.notes[0]


def test_a_folder_without_the_set_shows_the_layout(tmp_path):
    with pytest.raises(LayoutError, match="pairs"):
        Grouping(tmp_path).items()
