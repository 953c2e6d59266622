"""The calibration of verify_protected_identity on people whose embeddings are made up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from faceagent_finetune.nets import calibrate_protected as calibration
from faceagent_finetune.nets import protected_samples
from faceagent_finetune.nets.protected_samples import Sample, samples
from faceagent_tools import similarity, trunk
from faceagent_tools.identity import likelihood, regions
from faceagent_tools.identity.likelihood import Portrayed

PEOPLE, PHOTOS, OTHERS = 6, 4, 30


def sample(kind, who, row, off, forgery=-2.0):
    """A photo of a person, `off` from the person's mean."""
    middle = similarity.unit(similarity.cohort().mean(axis=0))
    own, other = (similarity.unit(np.random.default_rng(seed).normal(size=128)) for seed in (who, [who, row]))
    embedding = similarity.unit(middle + 0.4 * own + off * other).astype(np.float32)
    part = np.full(trunk.MAPS[regions.MAP][0], float(row % 7))
    return Sample(kind, f"person {who}", row, Portrayed(embedding, dict.fromkeys(regions.PARTS, part)), forgery)


@pytest.fixture(scope="module")
def found():
    real = [sample("real", who, 10 * who + number, 0.1) for who in range(PEOPLE) for number in range(PHOTOS)]
    others = [sample("real", 100 + who, 1000 + who, 0.1, None) for who in range(OTHERS)]
    swaps = [sample("swap", who, 2000 + 10 * who + number, 0.35, 3.0) for who in range(PEOPLE) for number in range(3)]
    redrawn = [sample("redrawn", who, 3000 + who, 0.15) for who in range(PEOPLE)]
    return [*real, *others, *swaps, *redrawn]


def test_what_was_measured_is_read_from_the_cache(found, tmp_path: Path):
    protected_samples._write(tmp_path / "cache.npz", found)
    again = samples(tmp_path / "no photos are needed", tmp_path / "cache.npz")
    assert [(one.kind, one.person, one.row, one.forgery) for one in again] == [
        (one.kind, one.person, one.row, one.forgery) for one in found
    ]
    assert np.array_equal(again[5].seen.embedding, found[5].seen.embedding)


def test_look_alikes_are_the_nearest_of_all_others_once_each_and_nothing_is_fitted_on_them(found):
    known, own = calibration.usual(found), calibration._own(found)
    tried = calibration.trials(found, known, own)
    kinds = Counter(one.kind for one in tried)
    assert kinds["alike"] == calibration.ROUNDS * PEOPLE * calibration.LOOK_ALIKES
    overall = {
        kind: np.mean([one.found[regions.OVERALL] for one in tried if one.kind == kind])
        for kind in ("other", "alike", "genuine")
    }
    assert overall["other"] < overall["alike"] < overall["genuine"]
    without = [one for one in tried if one.kind != "alike"]
    assert np.array_equal(calibration.fit(tried)[0], calibration.fit(without)[0])
    nearest = calibration._look_alikes([one for one in found if one.person != "person 0"], found[0].seen.embedding)
    assert len({one.person for one in nearest}) == calibration.LOOK_ALIKES


def test_the_table_says_what_is_said_of_people_whom_the_fit_did_not_see(found):
    table, _ = calibration.calibrate(found)
    assert table.n < len(calibration.trials(found, calibration.usual(found), calibration._own(found)))
    for kind in calibration.TRIED:
        assert sum(table.figures[f"said of {kind}"].values()) == pytest.approx(1, abs=1e-3)
    # Likeness is all there is against look-alikes; against the swaps the pixels are a witness.
    assert not {"swap", "synthesised"} & set(table.figures["said of alike"])
    assert table.figures["said of swap"].get("swap", 0) > 0.5
    assert set(table.figures["said of swap"]) <= {*likelihood.KINDS, "not_authentic", "undecided"}
