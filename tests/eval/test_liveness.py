"""Presentation attacks: errors by hand, and both layouts with a network that goes by brightness."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from forgery_fakes import FakeDetector, put
from published_sets import lines
from published_sets import put as put_photo

from faceagent.errors import UsageError
from faceagent_eval import benchmarks, presentation_attacks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import liveness
from faceagent_tools import weights


def test_errors_by_hand():
    instruments = np.array(["", "", "", "", "", "print", "print", "replay", "replay", "replay", "replay"])
    passes = np.array([1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0], np.bool_)
    found = presentation_attacks.errors(passes, instruments)
    assert found.apcer == {"print": 0.5, "replay": 0.25}
    assert found.bpcer == pytest.approx(0.2)
    assert found.worst == "print"
    assert found.acer == pytest.approx((0.5 + 0.2) / 2)
    assert found.pooled == pytest.approx(2 / 6)
    assert found.hter == pytest.approx((2 / 6 + 0.2) / 2)
    with pytest.raises(UsageError, match="need both"):
        presentation_attacks.errors(passes[:5], instruments[:5])


def test_bpcer_at_holds_for_the_worst_instrument():
    instruments = np.array([""] * 4 + ["print"] * 2 + ["replay"] * 2)
    live = np.array([0.9, 0.8, 0.5, 0.3, 0.1, 0.6, 0.2, 0.2])
    assert presentation_attacks.bpcer_at(live, instruments, 0.0) == pytest.approx(0.5)
    assert presentation_attacks.bpcer_at(live, instruments, 0.5) == 0.0


class FakeNetwork:
    """Brightness as the score, 0-1."""

    def look(self, pixels, box):
        return SimpleNamespace(live=float(pixels.mean()) / 255)


@pytest.fixture
def fakes(monkeypatch):
    lines_of_tool = SimpleNamespace(
        smallest=30, finding=lambda s: "attack" if s < 0.2 else "bona_fide" if s > 0.6 else "undecided"
    )
    monkeypatch.setattr(liveness, "MiniFASNet", FakeNetwork)
    monkeypatch.setattr(liveness, "FaceDetector", lambda backend: FakeDetector())
    monkeypatch.setattr(liveness.liveness, "lines", lambda: lines_of_tool)
    monkeypatch.setattr(
        liveness.liveness, "unfit", lambda photo, face, smallest: "small" if face.box.width < smallest else None
    )


def folders(folder: Path) -> Path:
    for part, levels in {"live": (200, 180, 120, 40), "attack/print": (30, 20), "attack/replay": (200, 30, 0)}.items():
        for number, level in enumerate(levels):
            put(folder / part / "x" / f"{number}.png", level)
    put(folder / "live" / "small.png", 200, side=20)
    return folder


def celeba_spoof(folder: Path) -> Path:
    labels = {}
    rows = [("live", 0, 200), ("live", 0, 200), ("spoof", 1, 20), ("spoof", 8, 200), ("spoof", 8, 20)]
    for number, (kind, spoof_type, level) in enumerate(rows):
        name = f"Data/test/{4937 + number}/{kind}/00000{number}.png"
        put(folder / name, level)
        labels[name] = [0] * 40 + [spoof_type, 1, 1, int(kind == "spoof")]
    lines(folder / "metas" / "intra_test" / "test_label.json", [json.dumps(labels)])
    return folder


@pytest.mark.usefixtures("fakes")
def test_figures_by_hand(tmp_path):
    result = run.run(benchmarks.make("liveness", folders(tmp_path)))
    expected = {
        "BPNRR, bona fide not judged": 1 / 5,
        "APNRR, attacks not judged": 1 / 5,
        "only bona fide passes: APCER of print": 0,
        "only bona fide passes: APCER, the worst": 1 / 2,
        "only bona fide passes: BPCER": 2 / 4,
        "only bona fide passes: ACER": 1 / 2,
        "only bona fide passes: HTER": (1 / 4 + 1 / 2) / 2,
        "all but attacks passes: BPCER": 1 / 4,
        "all but attacks passes: ACER": (1 / 2 + 1 / 4) / 2,
    }
    for name, value in expected.items():
        assert result.figure(name).value == pytest.approx(value), name
    assert result.figure("only bona fide passes: APCER, the worst").note == "replay"
    assert result.figure("only bona fide passes: BPCER").interval is not None
    assert [row.right for row in result.items if row.of == "print"] == [True, True]


@pytest.mark.usefixtures("fakes")
def test_celeba_spoof_by_spoof_type(tmp_path):
    data = celeba_spoof(tmp_path)
    put_photo(data / "Data" / "test" / "1" / "live" / "unlabelled.png", 1)
    (data / "Data" / "test" / "4937" / "live" / "000000.png").unlink()
    result = run.run(benchmarks.make("liveness", data))
    assert result.missing == ("Data/test/4937/live/000000.png",) and not result.complete
    assert result.figure("only bona fide passes: APCER of pad").value == pytest.approx(1 / 2)
    assert result.figure("only bona fide passes: APCER of photo").value == 0
    assert result.figure("only bona fide passes: BPCER").n == 1


@pytest.mark.usefixtures("fakes")
def test_a_limit_is_of_each_instrument(tmp_path):
    found = benchmarks.make("liveness", folders(tmp_path), limit=1).items()
    assert [item.instrument for item in found] == ["", "print", "replay"]


def of_labels(folder: Path, text: str) -> Path:
    lines(folder / "metas" / "intra_test" / "test_label.json", [text])
    return folder


@pytest.mark.parametrize(
    ("make", "mismatch"),
    [
        (lambda folder: folder, "holds neither"),
        (lambda folder: put(folder / "live" / "a.png", 9) or folder, "only one of live faces and attacks"),
        (lambda folder: of_labels(folder, "["), "test_label.json cannot be read as JSON"),
        (lambda folder: of_labels(folder, "[]"), "is no object"),
        (lambda folder: of_labels(folder, '{"a/b.png": [0, 1]}'), "the label of a/b.png is not 44 numbers"),
        (lambda folder: of_labels(folder, json.dumps({"a": [0] * 43 + [7]})), "the label of a is not"),
    ],
)
def test_a_wrong_layout_is_shown_with_the_expected_tree(make, mismatch, tmp_path):
    with pytest.raises(LayoutError, match="bona_fide") as caught:
        benchmarks.make("liveness", make(tmp_path)).items()
    assert mismatch in str(caught.value)


@pytest.mark.skipif(weights.find("minifasnet-v2") is None, reason="the published weights are not here")
def test_a_real_face_gets_a_score(tmp_path):
    examples = Path(__file__).parents[2] / "examples"
    for part in ("live", "attack/made_up"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "group.jpg").write_bytes((examples / "group.jpg").read_bytes())
    result = run.run(benchmarks.make("liveness", tmp_path, "dlib"))
    scores = {row.score for row in result.items}
    assert len(scores) == 1 and len(result.items) == 2 and result.complete
