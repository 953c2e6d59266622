"""The benchmark of the shipped network, on a miniature of its data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceagent.media import Photo
from faceagent_eval import benchmarks
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import reading
from faceagent_eval.benchmarks.reading import SETS
from faceagent_eval.run import run
from faceagent_finetune.nets.multitask import crops
from faceagent_tools.detection import FaceDetector
from faceagent_tools.multitask import ATTRIBUTES, EMOTIONS, FaceReader

pyarrow = pytest.importorskip("pyarrow")


def encoded(photo: Photo) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo.pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture()
def data(portrait: Photo, faceless: Photo, tmp_path: Path) -> Path:
    """In each set a portrait and a photo without a face of the val split, and one that must not be counted."""
    from pyarrow import parquet

    columns: dict[str, dict[str, Any]] = {
        "fairface": {"age_group": "40-49", "gender": "female", "race": "White"},
        "utkface": {"age": 46, "gender": "female", "race": "White"},
        "celeba40": {name: 1 if name in ("Smiling", "No_Beard") else -1 for name in ATTRIBUTES},
        "ferplus": {name: 8 if name == "happiness" else 0 for name in EMOTIONS},
    }
    for name in SETS:
        rows = [
            {"image": {"bytes": encoded(photo), "path": f"{k}.png"}, "split": split, **columns[name]}
            for k, (photo, split) in enumerate(((portrait, "val"), (faceless, "val"), (portrait, "train")))
        ]
        file = tmp_path / crops.SOURCES[name].file
        file.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return tmp_path


def test_it_counts_what_is_found_and_what_is_right(data: Path, portrait: Photo) -> None:
    face = FaceDetector("dlib").detect(portrait, "image 1")[0]
    off = abs(46 - FaceReader().read_photo(portrait, face).age)
    result = run(benchmarks.make("reading", data))
    assert result.figure("fairface: face found").value == 0.5
    assert result.figure("fairface: face found").n == 2
    assert result.figure("fairface: gender accuracy").value == 1.0
    assert result.figure("utkface: age mae years").value == pytest.approx(off, abs=0.01)
    assert result.figure("ferplus: expression accuracy").value == 1.0
    assert result.figure("celeba40: attribute accuracy").value > 0.5


def test_every_photo_has_a_row_for_each_figure_of_one_photo(data: Path) -> None:
    result = run(benchmarks.make("reading", data))
    rows = {(row.of, row.id): row for row in result.items}
    assert rows["fairface: face found", "photo 1"].right is False
    assert rows["fairface: gender accuracy", "photo 0"].right is True
    assert rows["fairface: gender accuracy", "photo 1"].right is None
    assert rows["utkface: age mae years", "photo 0"].score == result.figure("utkface: age mae years").value
    assert not [row for row in result.items if "balanced" in row.of]
    assert len(rows) == len(result.items)


def test_figures_vary_as_their_photos_do() -> None:
    votes = np.tile(np.eye(len(EMOTIONS)), (5, 1))
    out = {"emotion": np.where(np.arange(len(votes))[:, None] % 4 == 0, -votes, votes)}
    figure = next(reading.SetRead("ferplus", out, {"emotion": votes}).figures())
    assert figure.value == 0.75 and figure.interval is not None
    half = 1.96 * np.sqrt(0.75 * 0.25 / len(votes))
    assert figure.interval.low == pytest.approx(0.75 - half, abs=0.04)
    assert figure.interval.high == pytest.approx(0.75 + half, abs=0.04)


def test_a_photo_that_cannot_be_read_is_counted_and_named(data: Path) -> None:
    from pyarrow import parquet

    file = data / crops.SOURCES["ferplus"].file
    rows = parquet.read_table(file).to_pylist()
    rows[1]["image"] = {"bytes": b"no picture", "path": "broken.png"}
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    result = run(benchmarks.make("reading", data))
    assert result.missing == ("ferplus: broken.png",)
    assert not result.complete
    assert result.figure("ferplus: face found").n == 1


def test_a_limit_is_of_each_set(data: Path) -> None:
    assert len(benchmarks.make("reading", data, limit=1).items()) == len(SETS)


def test_it_counts_who_looks_a_minor_by_true_age() -> None:
    figures = reading._minors(np.array([5.0, 17.9, 18.0, 30.0, 12.0]), np.array([4.0, 16.0, 16.0, 22.0, 70.0]))
    assert [(figure.name.rpartition(" ")[2], figure.value, figure.n) for figure in figures] == [
        ("4-9", 1.0, 1),
        ("14-17", 0.5, 2),
        ("21-25", 0.0, 1),
    ]


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"fairface\.parquet"):
        run(benchmarks.make("reading", tmp_path))
