"""The calibration of compare_faces on made-up embeddings: what it draws, holds apart and refuses."""

from __future__ import annotations

import numpy as np
import pytest

from faceagent.errors import UsageError
from faceagent_finetune.nets import calibrate_compare as calibrate
from faceagent_finetune.nets import small_faces
from faceagent_finetune.nets.embedded_sets import EmbeddedSets, Found, Portrait, fairface_halves, stage
from faceagent_tools import similarity
from faceagent_tools.detection import FaceDetector

RACES = ("Black", "White")


def vectors(count, seed=0, spread=1.0):
    generator = np.random.default_rng(seed)
    return similarity.unit(np.eye(128)[0] + spread * generator.normal(0, 0.1, (count, 128)))


def fairface(each=500):
    return [
        Portrait(f"{split}/{race}{gender}{age}{index}.jpg", {"race": race, "gender": gender, "age": age}, b"")
        for race in RACES
        for gender in ("female", "male")
        for age in ("3-9", "10-19", "30-39")
        for split, count in (("train", each), ("val", 20))
        for index in range(count)
    ]


def test_the_halves_are_disjoint_balanced_and_the_cohort_is_of_the_train_split():
    cohort, test = fairface_halves(fairface(), seed=1)
    assert not {portrait.key for portrait in cohort} & {portrait.key for portrait in test}
    assert all(portrait.key.startswith("train/") for portrait in cohort)
    for race in RACES:
        mine = [portrait for portrait in test if portrait.labels["race"] == race]
        assert len(mine) == 2 * (150 + 30 + 30)
        # All of the val split is tested before any of the train split.
        assert sum(portrait.key.startswith("val/") for portrait in mine) == 2 * 3 * 20
        assert sum(portrait.labels["race"] == race for portrait in cohort) == 2 * 200
    assert fairface_halves(fairface(), seed=1) == (cohort, test)


def test_stages_of_life():
    assert [stage(age) for age in ("0-2", "3-9", "10-19", "20-29", "70+")] == [
        "child",
        "child",
        "teen",
        "adult",
        "adult",
    ]


def test_no_average_face_is_of_fewer_than_five(monkeypatch):
    monkeypatch.setattr(calibrate, "CENTRES", 4)
    lonely = np.concatenate(
        [vectors(60), -vectors(3, seed=1), vectors(40, seed=2) * np.where(np.arange(128) < 64, 1, -1)]
    )
    averages = calibrate.cohort_of(lonely, seed=0)
    assert averages.dtype == np.float16
    # The three that stand apart are nobody's average.
    assert (averages.astype(float) @ -np.eye(128)[0]).max() < 0.5


def test_the_lines_keep_the_stated_rates_in_the_groups():
    generator = np.random.default_rng(0)
    groups = {
        "Black men": generator.normal(0.1, 1, 20_000),
        "White men": generator.normal(0.0, 1, 20_000),
        "children": generator.normal(1.0, 1, 2_000),
    }
    found = calibrate.Material(generator.normal(5, 1, 1_000), generator.normal(-1, 1, 50_000), groups)
    lines = {(line.false_match_rate, line.strict): line for line in calibrate.lines(found)}
    # 1e-4 of 20,000 pairs are two: too few to state a rate for the worst group.
    assert set(lines) == {(1e-2, False), (1e-2, True), (1e-3, False), (1e-3, True), (1e-4, False)}
    for (rate, strict), line in lines.items():
        adults = [line.groups["Black men"], line.groups["White men"]]
        assert (max(adults) if strict else np.mean(adults)) <= rate
        assert (max(adults) if strict else np.mean(adults)) >= 0.8 * rate
        assert line.groups["children"] > max(adults)


def test_faces_in_profile_and_portraits_without_a_face_are_left_out():
    rows = np.concatenate([vectors(4), np.full((4, 1), 40.0), np.array([[0.0], [75.0], [-61.0], [-20.0]])], axis=1)
    rows = np.concatenate([rows, np.full((1, 130), np.nan)])
    portraits = [Portrait(str(index), {"person": "x"}, b"") for index in range(5)]
    assert Found.of(rows, portraits).column("key").tolist() == ["0", "3"]


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({0: 1.0, 8: 9.0, 12: 2.0, 16: 1.0}, 12.0),
        ({0: 1.0, 8: 1.0, 12: 9.0, 16: 1.0}, 16.0),
        ({0: 1.0, 8: 1.0, 12: 1.0, 16: 9.0}, 16.0),
    ],
)
def test_a_size_is_fit_when_it_and_all_larger_ones_hold_the_rate(rates, expected):
    sizes = {size: {"both: false match rate": rate, "one: false match rate": 1.0} for size, rate in rates.items()}
    assert small_faces.smallest_fit(sizes) == expected


def test_a_cache_of_another_detector_is_refused(tmp_path):
    cache = tmp_path / "cache.npz"
    np.savez(cache, keys=np.array([]), rows=np.zeros((0, 130)), made_by=np.array("another detector"))
    with pytest.raises(UsageError, match="made with another detector"):
        EmbeddedSets(cache, FaceDetector("dlib"), lambda *progress: None)


def test_data_that_are_not_there_are_refused_in_one_sentence(tmp_path, capsys):
    arguments = [
        "--data",
        str(tmp_path),
        "--cache",
        str(tmp_path / "c.npz"),
        "--out",
        str(tmp_path),
        "--detector",
        "dlib",
    ]
    assert calibrate.main(arguments) == 2
    assert "vip_one_person.parquet does not exist" in capsys.readouterr().err
