"""The changes, and what the benchmark makes of them, with an ensemble that goes by brightness."""

from __future__ import annotations

import numpy as np
import pytest
from forgery_fakes import put, use

from faceagent.media import Photo
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmarks import forensics_robustness as robustness
from faceagent_eval.benchmarks.forensics_robustness import FAMILIES


def test_a_photo_is_saved_anew_as_the_file_that_a_reader_would_get(portrait):
    found = robustness.saved(portrait, 30)
    assert (found.format, found.width, found.height) == ("JPEG", portrait.width, portrait.height)
    assert len(found.raw) < len(robustness.saved(portrait, 95).raw)


def test_resizing_a_screenshot_and_noise_do_what_their_level_says(portrait):
    assert (robustness.resized(portrait, 0.25).width, robustness.screenshot(portrait, 1.33).width) == (128, 681)
    grey = Photo.open(np.full((200, 200, 3), 128, np.uint8))
    noise = robustness.noisy(grey, 5).pixels.astype(float) - 128
    assert noise.std() == pytest.approx(5, rel=0.02)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.05
    np.testing.assert_array_equal(robustness.noisy(grey, 5).pixels, robustness.noisy(grey, 5).pixels)


def test_stronger_levels_change_more(portrait):
    for name, family in FAMILIES.items():
        if name in ("resize", "screenshot", "video"):
            continue
        gaps = [np.abs(family.change(portrait, level).pixels - portrait.pixels * 1.0).mean() for level in family.levels]
        assert gaps == sorted(gaps)
        assert gaps[0] > 0


def test_a_frame_of_a_video_is_the_photo_moved_and_coded(portrait):
    pytest.importorskip("av")
    gaps = []
    for level in FAMILIES["video"].levels:
        frame = robustness.filmed(portrait, level).pixels
        height, width = frame.shape[:2]
        assert (portrait.width - width, portrait.height - height) == (8, 8)
        gaps.append(np.abs(frame - portrait.pixels[7 : 7 + height, 7 : 7 + width] * 1.0).mean())
    assert gaps == sorted(gaps)
    assert 0 < gaps[0] < 4


@pytest.fixture()
def data(tmp_path):
    for name, level in (("authentic/a.png", 88), ("authentic/b.png", 158), ("swapper/c.png", 168)):
        put(tmp_path / "photos" / name, level)
    return tmp_path / "photos"


def test_figures_and_curves_follow_the_change(data, tmp_path, monkeypatch):
    use(monkeypatch)
    arguments = ["run", "forensics-robustness", "--data", str(data), "--out", str(tmp_path / "out"), "--limit", "2"]
    assert run.main(arguments) == 0
    result = run.run(benchmarks.make("forensics-robustness", data))
    for name in ("as it is", "jpeg 30", "blur 3", "noise 15"):
        assert result.figure(f"{name}: mean AUC").value == 1.0
        assert result.figure(f"{name}: found").value == 1.0
        assert result.figure(f"{name}: false alarms").value == 0.5
        assert result.figure(f"{name}: no answer").value == 0.0
        assert result.figure(f"{name}: false alarms").n == 2
    # Half of 40 pixels is below what the calibration knows.
    assert result.figure("resize 0.5: no answer").value == 1.0
    assert result.curves["resize-answers"].lines["found"] == (
        (1, 1.0), (0.75, 1.0), (0.5, 0.0), (0.35, 0.0), (0.25, 0.0)
    )  # fmt: skip
    assert [level for level, _ in result.curves["jpeg-auc"].lines["photos swapper"]] == [100, *FAMILIES["jpeg"].levels]
    assert len(list((tmp_path / "out").glob("forensics-robustness-faceagent-*.svg"))) == 2 * len(FAMILIES)


def test_a_missing_photo_is_listed_once_and_counts_nowhere(data, monkeypatch):
    use(monkeypatch)
    (data / "swapper" / "d.png").write_bytes(b"no picture")
    result = run.run(benchmarks.make("forensics-robustness", data))
    assert result.missing == ("swapper/d.png",)
    assert result.figure("as it is: no answer").n == 3
