"""Error versus discard: a quality that knows the errors, one that misleads, and a real portrait that is blurred."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image, ImageFilter
from toy_portraits import NAMES, original_layout

from faceagent.errors import UsageError
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmarks import quality
from faceagent_eval.benchmarks.lfw import Portrait
from faceagent_eval.verification import Pair


def angle(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


@pytest.fixture
def edc(tmp_path):
    """200 pairs of one person, of which every tenth is missed, and 200 of two."""
    made = benchmarks.make("quality", original_layout(tmp_path), "faceagent")
    made._pairs = tuple(Pair(str(n % 10), f"a{n}", f"b{n}", n < 200) for n in range(400))
    return made


def reads(knows: str, misleads: str) -> list[quality.Graded]:
    found = []
    for n in range(400):
        missed = n < 200 and n % 10 == 0
        apart = 120.0 if missed else 90.0 if n >= 200 else 5.0 + n / 100
        for member, turn in (("a", 0.0), ("b", apart + (n >= 200) * (n - 200) / 50)):
            worse = missed and member == "b"
            values = dict.fromkeys(quality.MEASURES, 0.5)
            values |= {knows: 0.1 + n / 1e4 if worse else 0.9, misleads: 0.9 if missed else 0.2 + n / 1e3}
            shots = dict.fromkeys(quality.WAYS, quality.Shot(angle(turn), values))
            found.append(quality.Graded(f"{member}{n}", angle(turn), True, shots=shots))
    return found


def test_the_worse_photo_counts_and_the_area_tells_good_measures_from_bad(edc):
    result = edc.score(reads("detail", "contrast"))
    assert result.figure("as they are: FNMR at FMR 1e-02").value == 0.1
    best = result.figure("as they are: the best there can be: area at FMR 1e-02").value
    assert result.figure("as they are: detail: area at FMR 1e-02").value == pytest.approx(best, abs=0.01)
    assert best < 0.3
    assert result.figure("as they are: sharpness: area at FMR 1e-02").value == pytest.approx(1)
    assert result.figure("as they are: contrast: area at FMR 1e-02").value > 1.05
    assert result.figure("as they are: detail: FNMR at FMR 1e-02 without the worst 10 %").value == 0.0
    assert set(result.curves) == {"edc-as-they-are-1e-02", "edc-damaged-1e-02"}
    assert result.notes == ("200 pairs of two people are too few for FMR 1e-03.",)
    assert result.curves["edc-damaged-1e-02"].lines["detail"][0] == (0.0, 0.1)


def test_a_blurred_portrait_is_of_worse_quality(tmp_path):
    benchmark = benchmarks.make("quality", original_layout(tmp_path), "faceagent")
    photo = Image.open(EXAMPLES / "portrait.jpg").convert("RGB")
    graded = []
    for shown in (photo, photo.filter(ImageFilter.GaussianBlur(photo.width / 60))):
        buffer = io.BytesIO()
        shown.save(buffer, "PNG")
        graded.append(benchmark.measure(Portrait("a_0001", buffer.getvalue)).shots["as they are"].quality)
    sharp, blurred = graded
    assert sharp["detail"] > blurred["detail"] and sharp["sharpness"] > blurred["sharpness"]
    assert -90 < sharp["frontality"] <= 0


def test_damage_is_drawn_by_name_and_of_all_kinds():
    chip = np.random.default_rng(0).integers(60, 190, (150, 150, 3), dtype=np.uint8)
    made = [quality.worse(chip, f"a_{number}") for number in range(40)]
    assert all(one.shape == chip.shape and one.dtype == np.uint8 for one in made)
    assert 0 < sum(np.array_equal(one, chip) for one in made) < 20
    assert np.array_equal(made[3], quality.worse(chip, "a_3"))
    assert len({one.tobytes() for one in made}) > 20


def test_portraits_that_are_missing_or_damaged_are_listed(tmp_path):
    data = original_layout(tmp_path, without=(NAMES[0],))
    (data / "lfw" / "Person_E" / "Person_E_0002.jpg").write_bytes(b"no picture")
    benchmark = benchmarks.make("quality", data, "faceagent")
    result = run.run(benchmark)
    assert set(result.missing) == {NAMES[0], "Person_E_0002"} and not result.complete


def test_without_pairs_of_both_kinds_there_is_nothing_to_score(edc):
    edc._pairs = edc._pairs[:200]
    with pytest.raises(UsageError, match="both pairs of one person and of two"):
        edc.score(reads("detail", "contrast"))
