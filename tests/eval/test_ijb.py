"""IJB-B and IJB-C as miniatures in insightface's packing: templates of people in plain colours, and a fake network."""

from __future__ import annotations

import numpy as np
import pytest
from published_sets import lines
from toy_portraits import PEOPLE, FakeDetector, FakeEmbedder, picture

from faceagent_eval import benchmarks, photo_sets, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import ijb

POINTS = "24 26 36 26 30 32 26 37 34 37"
ELSEWHERE = "4 4 8 4 6 6 4 8 8 8"


class Embedder(FakeEmbedder):
    def embed(self, photo, face):
        self.boxes = [*getattr(self, "boxes", []), face.box]
        return self.embed_chip(photo.pixels)


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(photo_sets, "FaceDetector", FakeDetector)
    monkeypatch.setattr(ijb, "FaceEmbedder", Embedder)


@pytest.fixture
def data(tmp_path):
    """Of each of six people a template of a still and a video's two frames, and one of a still; pairs of all."""
    root = tmp_path / "IJBC"
    (root / "loose_crop").mkdir(parents=True)
    media, points, pairs, number = [], [], [], 0
    for place, person in enumerate(PEOPLE):
        for template, medium, shot in ((1, 1, 1), (1, 2, 1), (1, 2, 2), (2, 3, 2)):
            number += 1
            (root / "loose_crop" / f"{number}.jpg").write_bytes(picture(f"{person}_{shot:04d}"))
            media.append(f"{number}.jpg {10 * place + template} {10 * place + medium}")
            points.append(f"{number}.jpg {ELSEWHERE if person == 'Person_F' else POINTS} 0.999")
    for a in range(6):
        pairs += [f"{10 * a + 1} {10 * b + 2} {int(a == b)}" for b in range(6)]
    lines(root / "meta" / "ijbc_face_tid_mid.txt", media)
    lines(root / "meta" / "ijbc_name_5pts_score.txt", points)
    lines(root / "meta" / "ijbc_template_pair_label.txt", pairs)
    head = "TEMPLATE_ID,SUBJECT_ID,FILENAME"
    for part, people in (("gallery_G1", range(3)), ("gallery_G2", range(3, 6))):
        rows = [f"{10 * one + 1},{one},a.jpg" for one in people for _ in range(2)]
        lines(root / "meta" / f"ijbc_1N_{part}.csv", [head, *rows])
    probes = [f"{10 * one + 2},{one},a.jpg" for one in range(6)]
    lines(root / "meta" / "ijbc_1N_probe_mixed.csv", [head, *probes, "999,1,b.jpg"])
    return tmp_path


def test_templates_are_verified_and_identified(data, monkeypatch):
    monkeypatch.setattr(ijb, "_FEWEST", 0.3)
    result = run.run(benchmarks.make("ijb", data))
    assert result.complete
    assert result.figure("IJBC: AUC").value == 1.0
    assert result.figure("IJBC: TAR at FAR 1e-02").value == 1.0
    assert result.figure("IJBC: TAR at FAR 1e-02").n == 6
    with pytest.raises(KeyError):
        result.figure("IJBC: TAR at FAR 1e-03")
    assert (result.figure("IJBC: rank 1").value, result.figure("IJBC: rank 1").n) == (1.0, 6)
    assert result.figure("IJBC: face found").value == pytest.approx(20 / 24)


def test_media_weigh_alike_however_many_frames_they_have(data):
    benchmark = benchmarks.make("ijb", data)
    seen = [benchmark.measure(item) for item in benchmark.items()]
    one = [seen[place].found.embedding for place in range(3)]
    mean = (one[0] + (one[1] + one[2]) / 2) / 2
    assert ijb.pooled(seen)[1] == pytest.approx(mean / np.linalg.norm(mean))
    # What stands in where no face is found lies about the points.
    assert benchmark._embedder.boxes[-1].centre == pytest.approx((6.0, 6.0))


def test_a_limit_is_of_pairs_and_leaves_no_photo_of_a_template_out(data):
    result = run.run(benchmarks.make("ijb", data, limit=2))
    assert [row.label for row in result.items].count(True) == 2 and len(result.items) == 4
    assert any("identification is not measured" in note for note in result.notes)


def test_photos_that_are_missing_are_counted_and_their_templates_told(data):
    (data / "IJBC" / "loose_crop" / "4.jpg").unlink()
    result = run.run(benchmarks.make("ijb", data))
    assert result.missing == ("IJBC/loose_crop/4.jpg",)
    assert result.figure("IJBC: AUC").n == 30
    assert any("1 templates have no photo" in note for note in result.notes)


@pytest.mark.parametrize(
    ("file", "old", "new", "mismatch"),
    [
        ("ijbc_face_tid_mid.txt", "2.jpg 1 2", "2.jpg 1", "line 2 of ijbc_face_tid_mid"),
        ("ijbc_name_5pts_score.txt", "3.jpg 24", "4.jpg 24", "line 3 of ijbc_face_tid_mid"),
        ("ijbc_template_pair_label.txt", "1 2 1", "1 two 1", "cannot be read as 3 whole numbers"),
        ("ijbc_template_pair_label.txt", "1 2 1", "1 2 3", "not both pairs"),
        ("ijbc_1N_probe_mixed.csv", "SUBJECT_ID", "PERSON", "expected the columns TEMPLATE_ID"),
    ],
)
def test_a_wrong_list_shows_the_tree_and_the_first_mismatch(data, file, old, new, mismatch):
    path = data / "IJBC" / "meta" / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LayoutError, match=rf"(?s){mismatch}.*loose_crop/1\.jpg"):
        benchmarks.make("ijb", data).items()
