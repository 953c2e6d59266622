"""A collection of real photos by the command line, and its overview."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from conftest import EXAMPLES

from faceagent.cli import main
from faceagent.collection.lines import lines
from faceagent.collection.manifest import Collection
from faceagent.collection.overview import overview
from faceagent.errors import InputError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Three photos, a copy of one, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("collection")
    photos = folder / "photos"
    photos.mkdir()
    for name in sorted(EXAMPLES.glob("*.jpg"))[:3]:
        shutil.copy(name, photos / name.name)
    shutil.copy(next(photos.iterdir()), photos / "zz-copy.jpg")
    (photos / "<b>broken.jpg").write_bytes(b"no photo at all")
    return folder / "out", main(
        ["report", str(photos), "--engine", "local", "--workers", "1", "--out", str(folder / "out")]
    )


def test_what_could_not_be_examined_makes_the_exit_status_1(made: tuple[Path, int]) -> None:
    assert made[1] == 1


def test_every_file_has_a_row_and_a_line(made: tuple[Path, int]) -> None:
    with (made[0] / "index.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = list(lines(Collection.open(made[0])))
    assert [row["exhibit"] for row in rows] == [str(line.number + 1) for line in found] == ["1", "2", "3", "4", "5"]
    assert [row["verdict"] for row in rows] == [line.report.verdict.kind if line.report else "" for line in found]
    assert sum(line.failure is not None for line in found) == 1


def test_the_overview_counts(made: tuple[Path, int]) -> None:
    told = json.loads((made[0] / "overview.json").read_text(encoding="utf-8"))
    assert (told["files"], told["done"], told["failures"], told["copies"]) == (5, 5, 1, 1)
    assert sum(told["verdicts"].values()) == 4
    assert {one["source"] for one in told["first"]} == {
        line.source
        for line in lines(Collection.open(made[0]))
        if line.report and line.report.verdict.kind.startswith("signs_of")
    }


def test_a_name_is_harmless_on_the_page(made: tuple[Path, int]) -> None:
    page = (made[0] / "overview.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;broken" in page
    assert "<b>broken" not in page


def test_the_same_command_does_nothing_twice(made: tuple[Path, int]) -> None:
    shard = made[0] / "shards" / "00000.jsonl"
    before = shard.stat().st_mtime_ns
    photos = str(made[0].parent / "photos")
    assert main(["report", photos, "--engine", "local", "--workers", "1", "--out", str(made[0])]) == 1
    assert shard.stat().st_mtime_ns == before


def test_a_damaged_shard_is_told(made: tuple[Path, int], tmp_path: Path) -> None:
    folder = shutil.copytree(made[0], tmp_path / "copy")
    (folder / "shards" / "00000.jsonl").write_bytes(b"{}\n")
    with pytest.raises(InputError, match="is damaged"):
        overview(Collection.open(folder))
