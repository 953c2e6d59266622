"""RFW in both of its layouts, masks and limits of time, on toy sets: people in plain colours and a fake network."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy_portraits import NAMES, PEOPLE, FakeDetector, FakeEmbedder, original_layout, picture

from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import lfw
from faceagent_eval.benchmarks.rfw import GROUPS


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(lfw, "FaceDetector", FakeDetector)
    monkeypatch.setattr(lfw, "FaceEmbedder", FakeEmbedder)


def lines() -> list[str]:
    """Twelve pairs in the order of the set: first those of one person."""
    people = list(PEOPLE)
    same = [f"{who}\t1\t2" for who in people]
    return same + [f"{one}\t1\t{other}\t2" for one, other in zip(people, people[1:] + people[:1], strict=True)]


def published(root: Path, under: str = ".") -> Path:
    """Four groups of the same people; those of one group all look alike. 100 times twelve pairs: folds of 600."""
    for group in GROUPS:
        path = root / under / "txts" / group / f"{group}_pairs.txt"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines() * 100) + "\n", encoding="utf-8")
        for name in NAMES:
            photo = root / under / "data" / group / name.rpartition("_")[0] / f"{name}.jpg"
            photo.parent.mkdir(parents=True, exist_ok=True)
            photo.write_bytes(picture("Person_A_0001" if group == "Indian" else name))
    return root


@pytest.mark.parametrize("under", [".", "test"])
def test_each_group_is_scored_and_the_gap_is_told(under, tmp_path):
    benchmark = benchmarks.make("rfw", published(tmp_path, under))
    result = run.run(benchmark)
    assert result.complete
    assert {pair.fold for pair in benchmark._sets["Asian"]} == {"0", "1"}
    for group in ("African", "Asian", "Caucasian"):
        assert result.figure(f"{group}: accuracy").value == 1.0
        assert result.figure(f"accuracy by group, {group}").n == 1200
    assert result.figure("Indian: accuracy").value == 0.5
    assert result.figure("accuracy by group: largest gap").value == 0.5
    assert result.figure("accuracy by group: worst group").note == "Indian"
    assert result.figure("two people called one by compare_faces, by group, Indian").value == 1.0
    assert result.figure("two people called one by compare_faces, by group: worst group").note == "Indian"


def test_both_layouts_hold_the_same_pairs(tmp_path):
    bins = tmp_path / "bins"
    bins.mkdir()
    pictures = []
    for line in lines() * 10:
        a, one, *rest = line.split()
        b, two = (a, rest[0]) if len(rest) == 1 else rest
        pictures += [picture(f"{a}_{int(one):04d}"), picture(f"{b}_{int(two):04d}")]
    same = ([True] * 6 + [False] * 6) * 10
    for group in GROUPS:
        (bins / f"{group}_test.bin").write_bytes(pickle.dumps((pictures, same), 2))
    result = run.run(benchmarks.make("rfw", bins))
    assert result.figure("accuracy by group, Indian").value == 1.0
    (bins / "lfw.bin").write_bytes(pickle.dumps((pictures, same), 2))
    with pytest.raises(LayoutError, match=r"lfw\.bin is called after none of African"):
        benchmarks.make("rfw", bins).items()


def test_a_portrait_that_is_missing_is_counted_and_named(tmp_path, capsys):
    data = published(tmp_path)
    (data / "data" / "Asian" / "Person_B" / "Person_B_0001.jpg").unlink()
    assert run.main(["run", "rfw", "--data", str(data)]) == 1
    assert "INCOMPLETE: 1 items could not be measured (Asian/Person_B_0001)" in capsys.readouterr().out


def test_a_wrong_list_shows_the_tree_and_the_line(tmp_path):
    with pytest.raises(LayoutError, match="there is no txts/African/African_pairs"):
        benchmarks.make("rfw", tmp_path).items()
    path = published(tmp_path) / "txts" / "Indian" / "Indian_pairs.txt"
    path.write_text("Person_A\t1\t2\nPerson_A\tone\t2\n", encoding="utf-8")
    with pytest.raises(LayoutError, match=r"(?s)line 2 of Indian_pairs\.txt is neither.*African_test\.bin"):
        benchmarks.make("rfw", tmp_path).items()


class LargeEmbedder(FakeEmbedder):
    """Its aligned faces have the size of the true one's."""

    def chip(self, photo, face):
        return cv2.resize(photo.pixels, (150, 150))


def test_every_portrait_wears_a_mask_and_the_same_one_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(lfw, "FaceEmbedder", LargeEmbedder)
    benchmark = benchmarks.make("masked-faces", original_layout(tmp_path))
    chip = np.full((150, 150, 3), 120, np.uint8)
    once, again, other = (benchmark.seen(chip, name) for name in ("a", "a", "b"))
    assert np.array_equal(once, again) and not np.array_equal(once, other)
    changed = np.abs(once.astype(int) - chip).sum(axis=2) > 30
    assert changed[92:122, 50:98].mean() > 0.9 and not changed[30:60].any()
    item = benchmark.items()[0]
    plain = benchmarks.make("lfw", tmp_path).measure(item)
    assert not np.array_equal(benchmark.measure(item).embedding, plain.embedding)


def test_what_takes_longer_than_the_limit_counts_as_wrong(tmp_path):
    benchmark = benchmarks.make("time-constrained", original_layout(tmp_path))
    reads = [benchmark.measure(item) for item in benchmark.items()]
    timed = [
        lfw.Read(read.name, read.embedding, True, (600.0 if "Person_A" in read.name else 20.0, 5.0, 15.0))
        for read in reads
    ]
    result = benchmark.score(timed)
    assert result.figure("ms per face, median").value == 40.0
    assert result.figure("portraits within 500 ms").value == pytest.approx(10 / 12)
    assert result.figure("accuracy within 1000 ms").value == 1.0
    # Person_A stands in one genuine and two impostor pairs of twelve.
    assert result.figure("accuracy within 100 ms").value == pytest.approx(9 / 12)
