"""Many files into a report: what is taken in, what the table shows of it, and one exhibit alone."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("gradio")

from conftest import EXAMPLES

from faceagent.app import reports
from faceagent.app.desk import Desk, Settings
from faceagent.app.rows import Opened, Row, Wanted
from faceagent.errors import UnknownReference
from faceagent.jobs import Job
from faceagent.media import Photo
from faceagent.report import build_report
from faceagent.report.html import to_html
from faceagent.tool import Toolbox
from faceagent.types import Failure

HOSTILE = '"><img src=x onerror=alert(1)>\u202egpj.exe'


@pytest.fixture(scope="module")
def opened() -> Opened:
    given = [
        Photo.open(EXAMPLES / "portrait.jpg"),
        Photo.open((EXAMPLES / "portrait-altered.jpg").read_bytes(), name=HOSTILE),
        Failure(name=f"broken {HOSTILE}", message="It is damaged.", mend="Copy it again."),
    ]
    report, pictures = build_report(Toolbox.installed(), given, command="faceagent report")
    return Opened.of("0" * 32, report, to_html(report, pictures))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.of(Settings(tmp_path))


def names(rows: list[Row]) -> list[str]:
    return [row.exhibit or row.name for row in rows]


def test_a_row_has_finding_probability_and_picture_and_a_broken_file_is_a_row_with_its_mend(opened: Opened) -> None:
    clean, altered, broken = opened.rows
    assert (clean.kind, altered.kind, broken.kind) == ("no_sign_found", "signs_of_alteration", "not_examined")
    assert clean.forgery is not None and clean.sure == pytest.approx(1 - clean.forgery)
    assert clean.thumbnail and not broken.thumbnail
    assert (broken.said, broken.mend) == ("It is damaged.", "Copy it again.")


def test_rows_are_filtered_and_put_in_order(opened: Opened) -> None:
    assert names(Wanted(kind="signs_of_alteration").of(opened.rows)) == ["image 2"]
    assert names(Wanted(kind="inconclusive").of(opened.rows)) == []
    assert names(Wanted(name="PORTRAIT").of(opened.rows)) == ["image 1"]
    assert names(Wanted(sure=0.95).of(opened.rows)) == ["image 1"]
    assert names(Wanted(order="likely").of(opened.rows))[:2] == ["image 2", "image 1"]
    assert len(Wanted().of(opened.rows)) == 3


def test_the_table_shows_names_of_files_and_runs_none(desk: Desk, opened: Opened) -> None:
    page = reports.table(desk, opened, Wanted())
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;\\u202egpj.exe" in page
    assert "Copy it again." in page and "3 of 3 files" in page


def test_one_exhibit_is_shown_alone_and_without_scripts(desk: Desk, opened: Opened) -> None:
    frame = reports.exhibit_frame(desk, opened, "image 2")
    assert 'sandbox="allow-same-origin"' in frame and "allow-scripts" not in frame
    assert "&lt;h2 id=&#34;image-2-name&#34;" in frame and "image-1-name" not in frame
    assert "thumbnail embedded in the file" in frame
    inside = frame.split("srcdoc=")[1]  # escaped twice there: the frame is a page of its own
    assert "<img src=x" not in frame and "&lt;img src=x" not in inside
    with pytest.raises(UnknownReference, match="image 7"):
        reports.exhibit_frame(desk, opened, "image 7")


def test_files_are_taken_in_and_the_pages_own_copies_go(desk: Desk, tmp_path: Path) -> None:
    good = Path(shutil.copy(EXAMPLES / "portrait.jpg", tmp_path / "good.jpg"))
    bad = tmp_path / "bad.jpg"
    bad.write_text("no photo")
    taken, refused = reports.take_in(desk, [good, bad, tmp_path / "gone.jpg"])
    assert [one.name for one in taken] == ["good.jpg"]
    assert [one.name for one in refused] == ["bad.jpg", "gone.jpg"]
    assert "is not an image" in refused[0].message and refused[0].mend
    assert not good.exists() and not bad.exists()
    assert [path.stat().st_mode & 0o777 for path in desk.uploads.folder.iterdir()] == [0o600]


def test_the_list_of_reports_says_how_far_each_is_and_runs_no_title(desk: Desk) -> None:
    now = datetime.now(UTC)
    files = (Path("a.jpg"), Path("b.jpg"), Path("c.jpg"))
    running = Job(id="1" * 32, state="running", title=HOSTILE, files=files, done=1, seconds_left=130.0, created=now)
    failed = Job(id="2" * 32, state="failed", files=files, message="The disk is full.", created=now)
    page = reports.shelf(desk, [running, failed], "2" * 32)
    assert "Examining 1 / 3, about 2 min left" in page and 'value="1"' in page and 'data-act="cancel"' in page
    assert "Failed. The disk is full." in page
    assert "<img" not in page and "&lt;img src=x" in page
    assert "appear here" in reports.shelf(desk, [], None)
