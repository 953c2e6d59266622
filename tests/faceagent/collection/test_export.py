"""Parquet that says what the lines say, in a folder and in a store, read by pandas' and DuckDB's reader."""

from __future__ import annotations

import io
import sys
from collections import Counter
from pathlib import Path

import faulty
import pytest
from conftest import EXAMPLES

from faceagent.cli import main
from faceagent.collection import stores
from faceagent.collection.export import COLUMNS, claimed, export, parquet
from faceagent.collection.lines import lines
from faceagent.collection.local import run
from faceagent.collection.manifest import Collection
from faceagent.errors import UsageError

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("fsspec")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    (folder / "broken.jpg").write_bytes(b"no photo at all")
    inputs = [str(folder / "broken.jpg"), str(EXAMPLES / "portrait.jpg"), str(EXAMPLES / "group.jpg")]
    options = ["--engine", "local", "--workers", "1", "--out", str(folder / "out"), "--export", str(folder / "place")]
    assert main(["report", *inputs, *options]) == 1
    return folder


def test_a_row_says_what_its_line_says(made: Path) -> None:
    table = pq.read_table(made / "place" / "parquet" / "part-00000.parquet")
    assert table.column_names == list(COLUMNS)
    found = list(lines(Collection.open(made / "out")))
    assert table.num_rows == len(found) == 3
    for row, line in zip(table.to_pylist(), found, strict=True):
        assert (row["number"], row["source"]) == (line.number, line.source)
        if line.report is None:
            assert line.failure is not None
            assert {name for name, value in row.items() if value is not None} == {"number", "source", "failure", "mend"}
            assert row["failure"] == line.failure.message
            continue
        report = line.report
        values = {(one.subject, one.attribute): one for one in report.evidence}
        told = [
            one.probability.value
            for one in report.evidence
            if one.attribute == "forgery" and one.probability is not None
        ]
        assert row["sha256"] == report.exhibit.sha256
        assert (row["width"], row["height"], row["bytes"]) == (
            report.exhibit.width,
            report.exhibit.height,
            report.exhibit.bytes,
        )
        assert (row["verdict"], row["headline"]) == (report.verdict.kind, report.verdict.headline)
        assert (row["faces"], row["probability"]) == (len(report.faces), max(told))
        assert row["resolution"] == max(
            one.value for key, one in values.items() if key[1] == "effective_resolution" and one.value
        )
        assert row["sharpness"] == values["face 1.1", "sharpness"].value
        assert row["fit_for"] == values["face 1.1", "fitness"].value
        assert row["editing_software"] == values["image 1", "editing_software"].value
        assert row["jpeg_quality"] == values["image 1", "jpeg_quality"].value
        assert row["milliseconds"] == pytest.approx(sum(step.milliseconds for step in report.steps))


def test_the_overview_lies_beside(made: Path) -> None:
    for name in ("overview.html", "overview.json"):
        assert (made / "place" / name).read_bytes() == (made / "out" / name).read_bytes()


def test_others_read_it(made: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    files = made / "place" / "parquet" / "*.parquet"
    rows = duckdb.sql(f"SELECT verdict, count(*) FROM '{files}' GROUP BY verdict").fetchall()
    assert dict(rows) == Counter(
        line.report.verdict.kind if line.report else None for line in lines(Collection.open(made / "out"))
    )
    pandas = pytest.importorskip("pandas")
    assert list(pandas.read_parquet(files.parent)["number"]) == [0, 1, 2]


def test_the_meaning_of_a_column_is_in_the_file() -> None:
    schema = pq.read_schema(io.BytesIO(parquet([])))
    assert {field.name: field.metadata[b"meaning"].decode() for field in schema} == {
        name: meaning for name, (_, meaning) in COLUMNS.items()
    }


def test_a_store_holds_one_collection_and_parts_are_not_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceagent.collection.export.ROWS", 2)
    mine = faulty.collection(tmp_path, ["good"] * 3)
    run(mine, 1, make=faulty.obedient)
    place = claimed(mine, "memory://results/mine/")
    assert place == "memory://results/mine"
    export(mine, place, [])
    parts = sorted(stores.beneath("memory://results/mine"))
    assert parts == ["export.json", "parquet/part-00000.parquet", "parquet/part-00001.parquet"]
    monkeypatch.setattr("faceagent.collection.export.parquet", lambda _: pytest.fail("it is there"))
    export(mine, claimed(mine, "memory://results/mine"), [])
    other = faulty.collection(tmp_path, ["good"] * 4, "other")
    with pytest.raises(UsageError, match="another collection"):
        claimed(other, "memory://results/mine")


@pytest.mark.parametrize("fault", ["a file", "something else", "of another collection", "no bucket", "no package"])
def test_a_place_that_will_not_do_is_told_before_anything_is_examined(
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / "place"
    given, said = str(place), fault
    match fault:
        case "a file":
            place.touch()
        case "something else":
            (place / "parquet").mkdir(parents=True)
            (place / "parquet" / "mine.parquet").touch()
        case "of another collection":
            claimed(faulty.collection(tmp_path, ["good"]), given)
        case "no bucket":
            request.getfixturevalue("bucket")
            given, said = "s3://nowhere/place", "s3://nowhere/place/export.json cannot be written"
        case "no package":
            monkeypatch.setitem(sys.modules, "pyarrow", None)
            said = "faceagent[scale]"
    options = ["--engine", "local", "--out", str(tmp_path / "report"), "--export", given]
    status = 1 if fault in ("no bucket", "no package") else 2
    assert main(["report", str(EXAMPLES / "portrait.jpg"), *options]) == status
    assert said in capsys.readouterr().err
    assert list((tmp_path / "report" / "shards").iterdir()) == []
