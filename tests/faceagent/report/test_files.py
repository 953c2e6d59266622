"""JSON, CSV and the files on disk: valid, harmless in a spreadsheet, and never half written."""

from __future__ import annotations

import csv
import io
import json
import runpy
import sys
from pathlib import Path

import jsonschema
import pytest
from fakes import HOSTILE, fake_toolbox, photo
from hypothesis import given
from hypothesis import strategies as st

from faceagent.errors import InputError
from faceagent.report import build_report, pdf, schema, write_report
from faceagent.report.drawing import Pictures
from faceagent.report.table import COLUMNS, cell, to_csv
from faceagent.types import SCHEMA_VERSION, Answer, Claim, Failure, Report

PUBLISHED = Path(__file__).parents[3] / "docs" / "schema"


@pytest.fixture(scope="module")
def made() -> tuple[Report, dict[str, Pictures]]:
    photos = [photo("altered.jpg"), photo("group.jpg", seed=1), photo("=cmd|' /C calc'!A0.jpg", seed=2)]
    return build_report(
        fake_toolbox(),
        photos,
        [Failure(name="@SUM(A1)", message="+1 is damaged", mend="-1")],
        command="faceagent report examples",
    )


@pytest.mark.parametrize("file", list(schema.PUBLISHED))
def test_the_published_schemas_are_fresh(file: str) -> None:
    assert (PUBLISHED / file).read_text(encoding="utf-8") == schema.text(file), (
        "run: python -m faceagent.report.schema docs/schema"
    )


def test_a_report_obeys_the_published_schema(made: tuple[Report, dict[str, Pictures]]) -> None:
    published = json.loads((PUBLISHED / f"report-{SCHEMA_VERSION}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    document = json.loads(made[0].model_dump_json(indent=2))
    jsonschema.validate(document, published, cls=jsonschema.Draft202012Validator)
    document["exhibits"][0]["verdict"]["kind"] = "fake"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, published, cls=jsonschema.Draft202012Validator)


def test_an_answer_obeys_the_published_schema(made: tuple[Report, dict[str, Pictures]]) -> None:
    published = json.loads((PUBLISHED / f"answer-{SCHEMA_VERSION}.json").read_text(encoding="utf-8"))
    exhibit = made[0].exhibits[0]
    answer = Answer(
        question="Is it altered?",
        status="answered",
        text="It is.",
        claims=(Claim(sentence="It is.", subject="image 1", attribute="thumbnail", evidence=("e1",)),),
        exhibits=(exhibit.exhibit,),
        faces=exhibit.faces,
        evidence=exhibit.evidence,
        steps=exhibit.steps,
        controller="embedded",
    )
    jsonschema.validate(json.loads(answer.model_dump_json()), published, cls=jsonschema.Draft202012Validator)


def test_the_schema_command_writes_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["schema"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(schema.__file__), run_name="__main__")
    printed = json.loads(capsys.readouterr().out)
    assert schema.main([str(tmp_path / "new")]) == 0
    assert {path.name: json.loads(path.read_text()) for path in (tmp_path / "new").iterdir()} == printed
    assert schema.main(["a", "b"]) == 2


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_has_a_row_for_every_exhibit_and_failure(made: tuple[Report, dict[str, Pictures]]) -> None:
    rows = rows_of(to_csv(made[0]))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["exhibit"] for row in rows] == ["image 1", "image 2", "image 3", ""]
    assert rows[0]["verdict"] == "signs_of_alteration" and rows[0]["thumbnail"] == "differs"
    assert rows[1]["faces"] == "2" and rows[1]["sha256"] == made[0].exhibits[1].exhibit.sha256
    assert rows[3]["failure"] == "'+1 is damaged"


def test_no_cell_of_the_table_is_a_formula(made: tuple[Report, dict[str, Pictures]]) -> None:
    cells = [value for row in rows_of(to_csv(made[0])) for value in row.values()]
    assert not [value for value in cells if value.lstrip().startswith(("=", "+", "-", "@"))]


@given(st.text() | st.lists(st.text()).map(list))
def test_whatever_the_text_the_cell_is_harmless(value: str | list[str]) -> None:
    shown = cell(value)  # type: ignore[arg-type]
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert not set(shown) & set("\t\r\n\x00")


def test_numbers_of_ours_stay_numbers() -> None:
    assert [cell(value) for value in (-1, 2.5, True, None)] == ["-1", "2.5", "True", ""]


def test_every_file_is_written(made: tuple[Report, dict[str, Pictures]], tmp_path: Path) -> None:
    written = write_report(*made, tmp_path / "deep" / "report")
    assert {path.name for path in (tmp_path / "deep" / "report").iterdir()} == {
        "report.html",
        "report.pdf",
        "report.json",
        "report.csv",
    }
    assert Report.model_validate_json(written["json"].read_text(encoding="utf-8")) == made[0]
    assert written["csv"].read_bytes().startswith(b"\xef\xbb\xbf")
    assert written["pdf"].read_bytes().startswith(b"%PDF-")
    assert written["html"].read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(("name", "value"), [("available", lambda: False), ("AT_MOST", 2)])
def test_what_cannot_be_a_pdf_is_written_otherwise_and_no_old_pdf_stays(
    made: tuple[Report, dict[str, Pictures]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    (tmp_path / "report.pdf").write_text("old")
    monkeypatch.setattr(pdf, name, value)
    assert set(write_report(*made, tmp_path)) == {"html", "json", "csv"}
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.json", "report.csv"}


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    made: tuple[Report, dict[str, Pictures]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        write_report(*made, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "old"


def test_a_folder_that_cannot_be_made_is_one_clear_sentence(
    made: tuple[Report, dict[str, Pictures]], tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="taken"):
        write_report(*made, tmp_path / "taken" / "report")


@pytest.mark.parametrize("name", [HOSTILE, "bytes that are no UTF-8 \udcff.jpg"])
def test_hostile_names_are_written_too(name: str, tmp_path: Path) -> None:
    failure = Failure(name=name, message=f"{name} is damaged")
    made = build_report(fake_toolbox(hostile=True), [photo(name)], [failure], command=name, title=name)
    assert set(write_report(*made, tmp_path)) == {"html", "pdf", "json", "csv"}
