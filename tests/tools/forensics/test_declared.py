"""Declared detectors: ONNX files made here, whose answer says what they were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from declared_onnx import declare, network
from hypothesis import given
from hypothesis import strategies as st

from faceagent.errors import UsageError, WeightsCorrupt, WeightsMissing
from faceagent.types import Box
from faceagent_tools.forensics import declared
from faceagent_tools.forensics.declared import DeclaredDetector, Input

onnx = pytest.importorskip("onnx")
FACE = Box(x0=40, y0=30, x1=80, y1=70)


def detector(folder: Path, **parts: str) -> DeclaredDetector:
    network(folder)
    (row,) = declared.read(declare(folder, **parts))
    return DeclaredDetector(row)


@pytest.fixture
def coloured() -> Any:
    """Red 200, green 100, blue 50."""
    return np.full((100, 120, 3), (200, 100, 50), np.uint8)


def test_the_declared_number_is_given(tmp_path: Path, coloured: Any) -> None:
    for number, value in enumerate((200, 100, 50)):
        asked = detector(tmp_path, given=f'meaning = "probability"\nforged = {number}')
        assert asked.forged(coloured, FACE) == pytest.approx(value / 255, abs=1e-3)


def test_colours_scale_and_normalisation(tmp_path: Path, coloured: Any) -> None:
    blue_first = detector(tmp_path, taken='size = [32, 32]\ncolours = "BGR"')
    assert blue_first.forged(coloured, FACE) == pytest.approx(50 / 255, abs=1e-3)
    taken = "size = [32, 32]\nscale = 0.01\nmean = [1.5, 0, 0]\nstd = [2.0, 1, 1]"
    assert detector(tmp_path, taken=taken).forged(coloured, FACE) == pytest.approx((2.0 - 1.5) / 2, abs=1e-3)


def test_what_the_output_means(tmp_path: Path, coloured: Any) -> None:
    means = np.array([200, 100, 50]) / 255
    softmax = np.exp(means) / np.exp(means).sum()
    assert detector(tmp_path, given='meaning = "logits"\nforged = 2').forged(coloured, FACE) == pytest.approx(
        softmax[2], abs=1e-3
    )
    sigmoid = 1 / (1 + np.exp(-means[0]))
    assert detector(tmp_path, given='meaning = "logit"').forged(coloured, FACE) == pytest.approx(sigmoid, abs=1e-3)
    inverted = detector(tmp_path, given='meaning = "probability"\ninverted = true')
    assert inverted.forged(coloured, FACE) == pytest.approx(1 - means[0], abs=1e-3)


def test_channels_last(tmp_path: Path, coloured: Any) -> None:
    network(tmp_path, layout="NHWC")
    (row,) = declared.read(declare(tmp_path, taken='size = [32, 32]\nlayout = "NHWC"'))
    assert DeclaredDetector(row).forged(coloured, FACE) == pytest.approx(200 / 255, abs=1e-3)


@given(
    x=st.floats(-30, 130),
    y=st.floats(-30, 110),
    side=st.floats(2, 90),
    margin=st.floats(0, 1.5),
    value=st.integers(0, 255),
)
def test_any_box_gives_a_crop_that_is_black_beyond_the_frame(
    x: float, y: float, side: float, margin: float, value: int
) -> None:
    pixels = np.full((100, 120, 3), value, np.uint8)
    crop = declared.prepared(Input(size=(24, 16), margin=margin), pixels, Box(x0=x, y0=y, x1=x + side, y1=y + side))
    assert crop.shape == (1, 3, 16, 24)
    assert crop.dtype == np.float32
    assert crop.min() >= 0
    assert crop.max() <= value / 255 + 1e-6


def test_the_margin_is_around_the_longer_side() -> None:
    columns = np.tile(np.arange(120, dtype=np.uint8)[:, None].T[:, :, None], (100, 1, 3))
    crop = declared.prepared(Input(size=(80, 80), margin=0.5), columns, Box(x0=40, y0=40, x1=80, y1=60))
    assert crop[0, 0, 40, 0] * 255 == pytest.approx(20, abs=1)
    assert crop[0, 0, 40, -1] * 255 == pytest.approx(99, abs=1)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"top": "licenze = 1"}, "licenze"),
        ({"taken": "size = [32]"}, "size"),
        ({"taken": 'size = [32, 32]\ncolours = "GBR"'}, "colours"),
        ({"taken": "size = [32, 32]\nstd = [0, 1, 1]"}, "std"),
        ({"given": 'meaning = "certainty"'}, "meaning"),
        ({"top": "]"}, "no TOML"),
    ],
)
def test_a_wrong_declaration_is_named(parts: dict[str, str], why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=why):
        declared.read(declare(tmp_path, **parts))


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    path = declare(tmp_path)
    path.write_text(path.read_text() * 2)
    with pytest.raises(UsageError, match="two detectors are called 'means'"):
        declared.read(path)


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        declared.read(tmp_path / "none.toml")


def test_the_file_is_held_against_its_hash(tmp_path: Path, coloured: Any) -> None:
    network(tmp_path)
    (row,) = declared.read(declare(tmp_path))
    (tmp_path / "means.onnx").write_bytes(b"another")
    with pytest.raises(WeightsCorrupt, match="SHA-256"):
        DeclaredDetector(row).forged(coloured, FACE)
    (tmp_path / "means.onnx").unlink()
    with pytest.raises(WeightsMissing, match=r"means\.onnx"):
        DeclaredDetector(row).forged(coloured, FACE)


def test_what_is_no_network_is_refused(tmp_path: Path, coloured: Any) -> None:
    (tmp_path / "means.onnx").write_bytes(b"no network")
    (row,) = declared.read(declare(tmp_path))
    with pytest.raises(WeightsCorrupt, match="ONNX Runtime"):
        DeclaredDetector(row).forged(coloured, FACE)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"taken": "size = [64, 64]"}, "not one float32"),
        ({"taken": 'size = [32, 32]\nlayout = "NHWC"'}, "not one float32"),
        ({"given": 'meaning = "logit"\nforged = 3'}, "number 3 does not exist"),
        ({"taken": "size = [32, 32]\nscale = 1.0"}, "no probability"),
    ],
)
def test_a_network_that_is_not_as_declared_is_named(
    parts: dict[str, str], why: str, tmp_path: Path, coloured: Any
) -> None:
    with pytest.raises(UsageError, match=why):
        detector(tmp_path, **parts).forged(coloured, FACE)


def test_evidence_can_cite_it(tmp_path: Path) -> None:
    row = detector(tmp_path, top='calibrated_on = "nothing yet"').row
    assert row.method.name == "means"
    assert row.method.sha256 == row.sha256
    assert row.method.licence == "CC0-1.0"
