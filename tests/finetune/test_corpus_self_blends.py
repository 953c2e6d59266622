"""Forgeries made for a corpus: of real photos, with the region that was altered."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

pytest.importorskip("pyarrow.parquet")

from published_sets import EXAMPLES, lines

from faceagent.media import Photo
from faceagent_finetune.__main__ import main
from faceagent_finetune.corpus.labelled import LabelMissing, Row
from faceagent_finetune.corpus.report import records
from faceagent_finetune.corpus.sources import SOURCES
from faceagent_finetune.corpus.sources.self_blends import altered
from faceagent_finetune.nets.forensic.blends import Forgery

RECIPE = """
seed = 3
shard = 50
[sets]
fairface_published = 50
fairface_published_blended = 50
[duplicates]
bits = 4
[kinds]
forgery = 1.0
description = 0.5
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FairFace of two faces, and a cup of coffee."""
    folder = tmp_path_factory.mktemp("blended")
    root = folder / "fairface"
    shown = {
        "1": Image.fromarray(skimage.data.astronaut()[0:240, 100:340]),
        "2": Image.open(EXAMPLES / "portrait.jpg"),
        "3": Image.fromarray(skimage.data.coffee()[:200, :200]),
    }
    (root / "train").mkdir(parents=True)
    for name, image in shown.items():
        image.convert("RGB").save(root / "train" / f"{name}.jpg", quality=95)
    header = "file,age,gender,race,service_test"
    lines(root / "fairface_label_val.csv", [header])
    lines(root / "fairface_label_train.csv", [header, *(f"train/{n}.jpg,30-39,Female,White,True" for n in shown)])
    return folder


def test_each_photo_comes_as_it_is_and_forged_where_it_is_said(data: Path) -> None:
    found = SOURCES["fairface_published_blended"].open(data)
    rows = {row.name: row for row in found.rows() if isinstance(row, Row)}
    assert list(rows) == [f"train/{n}.jpg{end}" for n in (1, 2, 3) for end in ("", " forged")]
    for name in ("train/1.jpg", "train/2.jpg"):
        (honest, plain), (fake, facts) = found.photo(rows[name]), found.photo(rows[f"{name} forged"])
        assert plain == {"authenticity": "authentic"}
        assert facts["authenticity"] == "manipulated"
        assert facts["altered"]
        files = [Image.open(io.BytesIO(raw)) for raw in (honest, fake)]
        assert files[0].quantization == files[1].quantization  # or the quality would tell them apart
        one, other = (Photo.open(raw).pixels.astype(int) for raw in (honest, fake))
        assert one.shape == other.shape
        apart = np.abs(one - other).max(axis=2)
        assert apart.max() > 20
        assert (apart[:8] < 12).all()  # far from the face nothing was altered
        assert found.photo(rows[f"{name} forged"])[0] == fake
    with pytest.raises(LabelMissing, match="no face"):
        found.photo(rows["train/3.jpg"])


def test_the_regions_named_are_those_under_the_mask(data: Path) -> None:
    blended = SOURCES["fairface_published_blended"].open(data)
    row = next(row for row in blended.rows() if isinstance(row, Row))
    face = blended._read(row).face  # type: ignore[attr-defined]
    height, width = face.pixels.shape[:2]

    def named(*points: slice) -> str:
        mask = np.zeros((height, width), np.float32)
        for part in points:
            (x0, y0), (x1, y1) = face.points[part].min(axis=0) - 3, face.points[part].max(axis=0) + 3
            mask[int(y0) : int(y1), int(x0) : int(x1)] = 1
        return altered(Forgery(face.pixels, mask, 2), face)

    assert named(slice(48, 68)) == "the mouth"
    assert named(slice(36, 42)) == "the eye nearer the left edge"
    assert named(slice(36, 42), slice(42, 48)) == "the eyes"
    assert named(slice(27, 36), slice(48, 68)) in ("the nose and the mouth", "the mouth and the nose")
    assert named(slice(0, 68)) == "the face as a whole"
    assert named() == ""


def test_a_corpus_asks_where_and_says_the_region_of_the_forgeries_alone(data: Path) -> None:
    recipe, out = data / "recipe.toml", data / "out"
    recipe.write_text(RECIPE, "utf-8")
    assert main(["corpus", str(recipe), "--data", str(data), "--out", str(out)]) == 0
    left = json.loads((out / "report.json").read_text("utf-8"))["left_out"]["fairface_published_blended"]
    assert left["chosen_so"] == {"no face was found to alter": 2}
    found = [record for record in records(out) if record["kind"] == "forgery"]
    assert len(found) == 4
    for record in found:
        forged = record["photos"][0].endswith(" forged")
        turn, said = record["turns"][0], record["messages"][-1]["content"][0]["text"]
        if turn["value"] != "abstained":
            assert (turn["attribute"] == "altered region") == forged
            assert (turn["value"] in said.lower()) == forged
