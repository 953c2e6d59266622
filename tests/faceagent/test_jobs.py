"""Reports in the background: what becomes of them, of what is sent, and of a program that ends in between."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import EXAMPLES
from fakes import FakeQuality, fake_toolbox

from faceagent.errors import Busy, UnknownReference, UsageError
from faceagent.jobs import Job, Jobs
from faceagent.session import Session
from faceagent.tool import Arguments, Toolbox
from faceagent.types import Evidence
from faceagent.uploads import Upload, Uploads


class Held(FakeQuality):
    """Waits until it is let go, and breaks where it is told to."""

    def __init__(self, breaks: bool = False) -> None:
        self.reached, self.go, self.breaks = threading.Event(), threading.Event(), breaks

    def run(self, session: Session, arguments: Arguments) -> Sequence[Evidence]:
        self.reached.set()
        assert self.go.wait(20)
        if self.breaks:
            raise ZeroDivisionError
        return super().run(session, arguments)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


@pytest.fixture
def make(tmp_path: Path, uploads: Uploads) -> Iterator[Callable[..., Jobs]]:
    made: list[Jobs] = []

    def make(*tools: FakeQuality, toolbox: Toolbox | None = None, **options: int) -> Jobs:
        made.append(Jobs(tmp_path / "jobs", toolbox or fake_toolbox(*tools), uploads, **options))
        return made[-1]

    yield make
    for jobs in made:
        jobs.close()


def upload(uploads: Uploads, name: str = "portrait.jpg") -> Upload:
    return uploads.store(io.BytesIO((EXAMPLES / "portrait.jpg").read_bytes()), name)


def folders(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "jobs").iterdir() if path.is_dir()]


def ended(jobs: Jobs, job: Job, owner: str = "") -> Job:
    for _ in range(1000):
        if (seen := jobs.get(job.id, owner)).ended:
            return seen
        time.sleep(0.03)
    raise AssertionError("the job does not end")


def test_a_report_of_real_photos_and_one_broken_file(make: Callable[..., Jobs], uploads: Uploads) -> None:
    jobs = make(toolbox=Toolbox.installed())
    photos = [upload(uploads, "<b>Ada.jpg"), upload(uploads, "../b.jpg"), upload(uploads, "gone.jpg")]
    uploads.remove(photos[2])
    job = ended(jobs, jobs.submit(photos, title="Press", purpose="research"))
    assert (job.state, job.done, [failure.name for failure in job.failures]) == ("done", 3, ["gone.jpg"])
    report = jobs.report(job.id)
    assert (report.title, report.purpose) == ("Press", "research")
    assert [one.exhibit.name for one in report.exhibits] == ["<b>Ada.jpg", "../b.jpg"]
    assert "<b>Ada" not in jobs.file(job.id, "html").read_text(encoding="utf-8")
    with zipfile.ZipFile(jobs.file(job.id, "zip")) as archive:
        assert {"report.html", "report.json", "report.csv"} <= set(archive.namelist())
        assert archive.read("report.json") == jobs.file(job.id, "json").read_bytes()
    assert list(uploads.folder.iterdir()) == []


def test_paths_of_this_machine_are_left_alone(make: Callable[..., Jobs], tmp_path: Path) -> None:
    mine = tmp_path / "mine.jpg"
    mine.write_bytes((EXAMPLES / "portrait.jpg").read_bytes())
    jobs = make()
    job = ended(jobs, jobs.submit([mine, tmp_path / "missing.jpg"]))
    assert job.state == "done"
    assert [failure.name for failure in job.failures] == [str(tmp_path / "missing.jpg")]
    jobs.delete(job.id)
    assert mine.exists()


def test_progress_is_told_file_by_file(make: Callable[..., Jobs], uploads: Uploads) -> None:
    held = Held()
    jobs = make(held)
    job = jobs.submit([upload(uploads), upload(uploads)])
    assert held.reached.wait(20)
    seen = jobs.get(job.id)
    assert (seen.state, seen.done, seen.seconds_left) == ("running", 0, None)
    held.go.set()
    assert ended(jobs, job).done == 2


def test_a_running_job_is_cancelled_after_the_file_it_is_at(make: Callable[..., Jobs], uploads: Uploads) -> None:
    held = Held()
    jobs = make(held)
    first, second = jobs.submit([upload(uploads)]), jobs.submit([upload(uploads)])
    assert held.reached.wait(20)
    assert jobs.cancel(second.id).state == "cancelled"
    assert jobs.cancel(first.id).state == "running"
    held.go.set()
    assert ended(jobs, first).state == "cancelled"
    assert list(uploads.folder.iterdir()) == []
    with pytest.raises(UsageError, match="cancelled"):
        jobs.file(first.id, "html")


def test_a_running_job_can_be_deleted(make: Callable[..., Jobs], uploads: Uploads, tmp_path: Path) -> None:
    held = Held()
    jobs = make(held)
    job = jobs.submit([upload(uploads)])
    assert held.reached.wait(20)
    jobs.delete(job.id)
    held.go.set()
    after = jobs.submit([upload(uploads)])
    assert ended(jobs, after).state == "done"
    assert folders(tmp_path) == [after.id]
    with pytest.raises(UnknownReference):
        jobs.get(job.id)


def test_one_that_breaks_does_not_stop_the_next(make: Callable[..., Jobs], uploads: Uploads) -> None:
    held = Held(breaks=True)
    held.go.set()
    jobs = make(held)
    broken = ended(jobs, jobs.submit([upload(uploads)]))
    assert (broken.state, broken.message) == (
        "failed",
        "Something unexpected went wrong (ZeroDivisionError); the log has more.",
    )
    held.breaks = False
    assert ended(jobs, jobs.submit([upload(uploads)])).state == "done"


def test_the_queue_has_an_end(make: Callable[..., Jobs], uploads: Uploads) -> None:
    held = Held()
    jobs = make(held, most=1)
    jobs.submit([upload(uploads)])
    assert held.reached.wait(20)
    jobs.submit([upload(uploads)])
    with pytest.raises(Busy, match="waiting") as told:
        jobs.submit([upload(uploads)])
    assert told.value.seconds >= 1
    held.go.set()


def test_jobs_are_their_owners(make: Callable[..., Jobs], uploads: Uploads) -> None:
    jobs = make()
    job = jobs.submit([upload(uploads)], owner="ada")
    ended(jobs, job, "ada")
    assert [one.id for one in jobs.list("ada")] == [job.id]
    assert jobs.list("bob") == ()
    for of_another in (jobs.get, jobs.cancel, jobs.delete, jobs.report):
        with pytest.raises(UnknownReference):
            of_another(job.id, "bob")
    with pytest.raises(UnknownReference):
        jobs.file(job.id, "json", "bob")


def test_no_file_and_no_purpose_are_refused(make: Callable[..., Jobs], uploads: Uploads, tmp_path: Path) -> None:
    jobs = make()
    with pytest.raises(UsageError):
        jobs.submit([])
    with pytest.raises(UsageError, match="stalking"):
        jobs.submit([upload(uploads)], purpose="stalking")
    assert folders(tmp_path) == []


def test_only_files_of_the_result_are_handed_out(make: Callable[..., Jobs], uploads: Uploads) -> None:
    jobs = make()
    job = ended(jobs, jobs.submit([upload(uploads)]))
    for kind in ("exe", "../job.json", "", "html/../../job.json"):
        with pytest.raises(UnknownReference):
            jobs.file(job.id, kind)


def test_after_a_restart(make: Callable[..., Jobs], uploads: Uploads, tmp_path: Path) -> None:
    jobs = make()
    done = ended(jobs, jobs.submit([upload(uploads)]))
    jobs.close()
    # As a program leaves them that is killed: one running, one waiting, and something that is none.
    for number, state in (("1", "running"), ("2", "waiting")):
        given = upload(uploads, f"{state}.jpg").model_dump(mode="json")
        left = {
            **json.loads(done.model_dump_json()),
            "id": number * 32,
            "state": state,
            "ended": None,
            "files": [given],
        }
        (tmp_path / "jobs" / (number * 32)).mkdir()
        (tmp_path / "jobs" / (number * 32) / "job.json").write_text(json.dumps(left))
    (tmp_path / "jobs" / "junk").mkdir()
    (tmp_path / "jobs" / "junk" / "job.json").write_text("{")
    again = make()
    assert again.report(done.id).exhibits
    interrupted = again.get("1" * 32)
    assert interrupted.state == "interrupted"
    assert "ask for it anew" in str(interrupted.message)
    assert ended(again, again.get("2" * 32)).state == "done"
    assert list(uploads.folder.iterdir()) == []


def test_a_program_that_ends_leaves_what_waits(make: Callable[..., Jobs], uploads: Uploads) -> None:
    held = Held()
    jobs = make(held)
    running, waiting = jobs.submit([upload(uploads), upload(uploads)]), jobs.submit([upload(uploads)])
    assert held.reached.wait(20)
    closing = threading.Thread(target=jobs.close)
    closing.start()
    held.go.set()
    closing.join()
    assert jobs.get(running.id).state == "interrupted"
    assert jobs.get(waiting.id).state == "waiting"
    again = make()
    assert ended(again, waiting).state == "done"


def test_old_jobs_are_purged(make: Callable[..., Jobs], uploads: Uploads, tmp_path: Path) -> None:
    jobs = make()
    job = ended(jobs, jobs.submit([upload(uploads)]))
    assert jobs.purge(timedelta(hours=1)) == 0
    assert jobs.purge(timedelta(0)) == 1
    assert folders(tmp_path) == []
    with pytest.raises(UnknownReference):
        jobs.get(job.id)


def test_one_program_at_a_time_has_a_folder(make: Callable[..., Jobs], uploads: Uploads) -> None:
    first = make()
    with pytest.raises(UsageError, match="Another program"):
        make()
    first.close()
    second = make()
    assert ended(second, second.submit([upload(uploads)])).state == "done"
