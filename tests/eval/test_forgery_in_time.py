"""Videos forged in parts, in both published layouts, with an examination that says the same of each video."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import videos
from published_sets import lines

from faceagent.media import Photo
from faceagent.types import Evidence
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import forgery_in_time
from faceagent_tools import video_evidence


def lav_df(folder: Path) -> Path:
    (folder / "test").mkdir(parents=True)
    rows = []
    for number, (periods, pictures) in enumerate([([[0.5, 1.5]], True), ([[0.2, 0.4]], False), ([], False)]):
        name = f"test/{number:06}.mp4"
        videos.made(folder / name, frames=50)
        rows.append(
            {"file": name, "split": "test", "fake_periods": periods, "modify_video": pictures, "modify_audio": True}
        )
    rows.append({"file": "train/000009.mp4", "split": "train", "fake_periods": []})
    lines(folder / "metadata.json", [json.dumps(rows)])
    return folder


def av_deepfake(folder: Path) -> Path:
    (folder / "val" / "id1").mkdir(parents=True)
    videos.made(folder / "val" / "id1" / "fake.mp4", frames=50)
    row = {"file": "id1/fake.mp4", "split": "val", "fake_segments": [[0.5, 1.5], [1.6, 1.9]]}
    lines(folder / "val_metadata.json", [json.dumps([{**row, "visual_fake_segments": [[0.5, 1.5]]}])])
    return folder


class Told:
    """Stands in for the toolbox: what examine_video would say of each video."""

    def __init__(self, timeline):
        self._timeline = timeline

    def call(self, session, tool, arguments):
        details = {"timeline": self._timeline, "segments": [self._timeline[1]]}
        said = {"value": "manipulated", "method": video_evidence.METHOD, "details": details}
        row = Evidence(tool=tool, subject="face 1.1", attribute="forgery", **said)
        return [type("Outcome", (), {"evidence": [row]})]


@pytest.fixture
def told(monkeypatch):
    timeline = [[0.0, 0.5, 0.2], [0.5, 1.5, 0.9], [1.5, 2.0, 0.1]]
    monkeypatch.setattr(forgery_in_time, "Toolbox", lambda tools: Told(timeline))


@pytest.mark.usefixtures("told")
def test_figures_by_hand(tmp_path):
    """Of three videos, all told the same: one is right, one has another stretch forged, one none."""
    result = run.run(benchmarks.make("forgery-in-time", lav_df(tmp_path)))
    assert result.complete and result.figure("all stretches: AP@0.5").n == 2
    # Surest are the three proposals of 0.9, of which the first is right; the other label is never found.
    assert result.figure("all stretches: AP@0.95").value == pytest.approx(0.5)
    assert result.figure("stretches of the picture: AP@0.5").value == pytest.approx(1.0)
    assert result.figure("stretches of the picture: AR@5").value == pytest.approx(1.0)
    assert result.figure("all stretches: AR@5").value == pytest.approx(0.5)
    assert [row.label for row in result.items] == [True, True, False]


@pytest.mark.usefixtures("told")
def test_av_deepfake1m_names_the_stretches_of_the_picture(tmp_path):
    result = run.run(benchmarks.make("forgery-in-time", av_deepfake(tmp_path)))
    assert result.figure("all stretches: AR@5").n == 2
    assert result.figure("stretches of the picture: AP@0.75").value == 1.0


@pytest.mark.usefixtures("told")
def test_a_video_that_cannot_be_read_is_listed(tmp_path):
    data = lav_df(tmp_path)
    (data / "test" / "000001.mp4").write_bytes(b"no video")
    result = run.run(benchmarks.make("forgery-in-time", data))
    assert result.missing == ("test/000001.mp4",) and not result.complete


def test_the_tool_itself_is_asked(tmp_path):
    """A real face, panned: what is proposed lies within the video and is ordered."""
    examples = Path(__file__).parents[2] / "examples"
    videos.panned(Photo.open(examples / "group.jpg"), tmp_path / "a.mp4", frames=15)
    lines(tmp_path / "metadata.json", [json.dumps([{"file": "a.mp4", "fake_periods": [[0.2, 0.6]]}])])
    benchmark = benchmarks.make("forgery-in-time", tmp_path)
    (item,) = benchmark.items()
    found = benchmark.measure(item).proposals
    assert len(found) and (found[:, 0] < found[:, 1]).all() and found[:, :2].max() <= 1.01
    assert (np.diff(found[:, 2]) <= 0).all()


@pytest.mark.parametrize(
    ("text", "mismatch"),
    [
        (None, "has none of metadata.json"),
        ("{", "metadata.json cannot be read as JSON"),
        ("[]", "metadata.json is empty"),
        ('[{"file": "a.mp4"}]', "entry 0 has no file with its forged stretches"),
        ('[{"file": "a.mp4", "fake_periods": [[1]]}]', "entry 0"),
        ('[{"file": "a.mp4", "fake_periods": []}]', "the first missing one is a.mp4"),
    ],
)
def test_a_wrong_layout_is_shown_with_the_expected_tree(text, mismatch, tmp_path):
    if text is not None:
        lines(tmp_path / "metadata.json", [text])
    with pytest.raises(LayoutError, match="visual_fake_segments") as caught:
        benchmarks.make("forgery-in-time", tmp_path).items()
    assert mismatch in str(caught.value)
