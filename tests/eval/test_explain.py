"""The explain benchmark: what it exchanges, how it scores, on photos that ship."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image
from toy_portraits import NAMES, original_layout

from faceagent.media import Photo
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks.explain import Explain, Item, Read, exchange
from faceagent_tools.identity import regions

PORTRAIT, ALTERED = EXAMPLES / "portrait.jpg", EXAMPLES / "portrait-altered.jpg"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return Explain(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def raw():
    return PORTRAIT.read_bytes(), ALTERED.read_bytes()


def test_an_exchanged_part_changes_there_and_nowhere_else(real, raw):
    first, other = (real._portrait(Photo.open(data)) for data in raw)
    changed = np.abs(exchange(first, other, "eyes").pixels.astype(int) - first.photo.pixels).sum(axis=2) > 12
    eyes = first.points[36:48].mean(axis=0)
    rows, columns = np.nonzero(changed)
    width = np.ptp(first.points[36:48, 0])
    assert changed.any() and changed.mean() < 0.2
    assert abs(columns.mean() - eyes[0]) < width / 3 and abs(rows.mean() - eyes[1]) < width / 2


def test_blurring_what_supports_a_likeness_first_costs_more_than_any_order(real, raw):
    read = real.measure(Item("portrait", (raw[0], raw[1], raw[0]), "nose"))
    assert read.part == "nose"
    assert read.deletion[0] < read.deletion[1] and read.insertion[0] > read.insertion[1]
    assert set(read.lowest) <= set(regions.PARTS)


def test_a_photo_without_a_face_is_left_out_and_counted(real, raw):
    buffer = io.BytesIO()
    Image.new("RGB", (200, 200), "grey").save(buffer, format="PNG")
    assert real.measure(Item("none", (buffer.getvalue(), *raw), "nose")) == "no face"


@pytest.mark.parametrize("bad", [None, b"no photo"])
def test_a_portrait_that_is_missing_or_cannot_be_read_is_counted_and_named(real, raw, bad):
    items = [Item("a b c", (*raw, bad), "nose"), Item("d e f", (*raw, raw[0]), "eyes")]
    assert real.measure(items[0]) == "unreadable"
    real._items = items
    result = real.score(["unreadable", Read("eyes", (0.1, 0.4), (0.8, 0.5), ("eyes", "nose"))])
    assert (result.complete, result.missing) == (False, ("a b c",))
    assert result.figure("deletion").n == 1 and not result.notes


def test_a_set_of_which_some_portraits_are_there_is_measured(tmp_path):
    original_layout(tmp_path, without=("Person_A_0001",))
    benchmark = Explain(tmp_path)
    items = benchmark.items()
    assert len(items) == 6 and any(None in item.photos for item in items)
    assert not all(None in item.photos for item in items)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match="no portrait is there, the first missing one is Person_"):
        Explain(original_layout(tmp_path / "empty", without=tuple(NAMES))).items()


def test_the_score_counts_the_parts_found_and_what_chance_finds(real):
    reads = [
        Read("eyes", (0.1, 0.4), (0.8, 0.5), ("eyes", "nose")),
        Read("nose", (0.3, 0.6), (0.6, 0.3), ("mouth", "nose")),
        "no face",
    ]
    real._items = [Item(str(number), (None, None, None), "nose") for number in range(3)]
    result = real.score(reads)
    assert (result.figure("deletion").value, result.figure("deletion, chance").value) == pytest.approx((0.2, 0.5))
    assert result.figure("insertion").value == pytest.approx(0.7)
    assert result.figure("exchanged part found").value == result.figure("exchanged part found, chance").value == 0.5
    assert result.figure("deletion").n == 2 and result.notes == ("In 1 items a face was not found",)


def test_a_folder_without_the_set_shows_the_layout(real):
    with pytest.raises(LayoutError, match="pairs"):
        real.items()
