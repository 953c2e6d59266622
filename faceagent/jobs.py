"""Reports as jobs: a queue that is worked off in the background, with progress, cancellation and results on the disk.

    jobs = Jobs(folder, toolbox, uploads)
    job = jobs.submit([upload, …], title="Press photos")
    jobs.get(job.id).done, jobs.file(job.id, "html")

Each job is a folder: `job.json` (what it is and how far it has come) and, once it is done, `result/` with what
`write_report` writes and a ZIP of it. After a restart, waiting jobs go on; one that was running is told as interrupted
rather than begun anew, because what it was reading may be what ended the program.
"""

from __future__ import annotations

import logging
import queue
import secrets
import shlex
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from faceagent import policy
from faceagent.batch import attempt
from faceagent.errors import Busy, FaceAgentError, UnknownReference, UsageError
from faceagent.files import claim, write_whole
from faceagent.media import Photo
from faceagent.report import build_report, write_report
from faceagent.report.build import TITLE
from faceagent.tool import Toolbox
from faceagent.types import Failure, Finite, Frozen, Named, Report
from faceagent.uploads import Upload, Uploads, private_folder
from faceagent.video import Video, take

_log = logging.getLogger(__name__)

State = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
ENDED = frozenset({"done", "failed", "cancelled", "interrupted"})
_STATE, _RESULT, _LOCK = "job.json", "result", "lock"
_USUAL_SECONDS = 2.0  # a file, while none has been measured


class Job(Frozen):
    """A report in the making, or made.

    id: 32 hex digits. owner: who asked for it ("" where there is only one user). files: what is examined, in order;
    those of others as uploads, those of this machine by their paths. done: how many of them are examined.
    seconds_left: of a running job, from its pace so far. failures: files that could not be examined. message: why there
    is no report, in a sentence.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    owner: str = ""
    state: State = "waiting"
    title: Named = TITLE
    purpose: str | None = None
    language: str = "en"
    files: tuple[Upload | Path, ...]
    done: int = 0
    seconds_left: Finite | None = None
    failures: tuple[Failure, ...] = ()
    message: Named | None = None
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What the files are called."""
        return tuple(_name(file) for file in self.files)


class Jobs:
    """The queue and its workers. Safe to use from several threads; one program at a time has a folder.

    Args:
        folder: where jobs are kept, made if need be, for its owner alone.
        toolbox: what files are examined with; its tools are called from all workers.
        uploads: where files of others lie. They are deleted as soon as their job has ended.
        workers: reports that are made at the same time.
        most: jobs that may wait; one more is refused.

    Raises:
        UsageError: the folder cannot be used.
    """

    def __init__(self, folder: Path, toolbox: Toolbox, uploads: Uploads, *, workers: int = 1, most: int = 100) -> None:
        self._folder, self._toolbox, self._uploads, self._most = private_folder(folder), toolbox, uploads, most
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._stops: dict[str, threading.Event] = {}
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        try:
            self._claim = claim(self._folder / _LOCK)
        except BlockingIOError:
            raise UsageError(f"Another program works in {folder}", "End that one, or name another folder") from None
        for job in self._found():
            self._take_up(job)
        self._workers = [threading.Thread(target=self._work, name=f"reports-{n}", daemon=True) for n in range(workers)]
        for worker in self._workers:
            worker.start()

    def submit(
        self,
        files: Sequence[Upload | Path],
        *,
        refused: Sequence[Failure] = (),
        title: str = TITLE,
        purpose: str | None = None,
        language: str = "en",
        owner: str = "",
    ) -> Job:
        """Queue a report on files.

        Args:
            files: uploads, which belong to the job from here on, or paths, which are left alone.
            refused: files that could not even be taken in; the report names them.
            purpose: what faces are read for, see `faceagent.policy`.
            language: what HTML and PDF are told in, a key of `messages.LANGUAGES`.

        Raises:
            UsageError: there is no file, or no such purpose.
            Busy: as many jobs are waiting as may wait.
        """
        if not files:
            raise UsageError("There is no file to report on", "Give at least one photo or video")
        if purpose is not None:
            policy.purpose(purpose)
        job = Job(
            id=secrets.token_hex(16),
            owner=owner,
            title=title,
            purpose=purpose,
            language=language,
            files=tuple(files),
            failures=tuple(refused),
            created=datetime.now(UTC),
        )
        with self._lock:
            waiting = sum(one.state == "waiting" for one in self._jobs.values())
            if waiting >= self._most:
                raise Busy(f"{waiting} reports are waiting to be made already", self._seconds_of_queue())
            private_folder(self._folder / job.id)
            self._take_up(job)
        return job

    def get(self, job_id: str, owner: str = "") -> Job:
        """The job as it stands.

        Raises:
            UnknownReference: there is none of this id, or it is somebody else's.
        """
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            raise UnknownReference(f"There is no job {job_id!r}", "Its report may have been deleted: ask for it anew")
        return job

    def list(self, owner: str = "") -> tuple[Job, ...]:
        """All jobs of an owner, the newest first."""
        with self._lock:
            mine = [job for job in self._jobs.values() if job.owner == owner]
        return tuple(sorted(mine, key=lambda job: job.created, reverse=True))

    def cancel(self, job_id: str, owner: str = "") -> Job:
        """End a job without a report. One that is running ends after the file that it is at.

        Raises:
            UnknownReference: there is no such job.
        """
        with self._lock:
            job = self.get(job_id, owner)
            if job.state not in ENDED:
                self._stops[job_id].set()
            if job.state == "waiting":
                job = self._end(job_id, "cancelled")
        return job

    def delete(self, job_id: str, owner: str = "") -> None:
        """Cancel a job and delete everything of it.

        Raises:
            UnknownReference: there is no such job.
        """
        with self._lock:
            job = self.cancel(job_id, owner)
            self._forget(job)

    def file(self, job_id: str, kind: str, owner: str = "") -> Path:
        """A file of the result: "html", "json", "csv", "zip" (all of them) or whatever else `write_report` writes.

        Raises:
            UnknownReference: there is no such job, or no such file of it.
            UsageError: the job has no report, or not yet.
        """
        job = self.get(job_id, owner)
        if job.state != "done":
            mend = job.message or "Look at the job again until it is done"
            raise UsageError(f"There is no report of this job, which is {job.state}", mend)
        kinds = self.kinds(job)
        if kind not in kinds:
            raise UnknownReference(f"A report has no {kind!r}", f"There are {', '.join(sorted(kinds))}")
        return kinds[kind]

    def kinds(self, job: Job) -> dict[str, Path]:
        """The files of a job's result by kind; none before it is done."""
        result = self._folder / job.id / _RESULT
        return {path.suffix[1:]: path for path in sorted(result.iterdir())} if job.state == "done" else {}

    def report(self, job_id: str, owner: str = "") -> Report:
        """The report itself.

        Raises:
            UnknownReference, UsageError: as `file`.
        """
        return Report.model_validate_json(self.file(job_id, "json", owner).read_bytes())

    def purge(self, older_than: timedelta) -> int:
        """Delete every job that ended longer ago, and say how many that were."""
        oldest = datetime.now(UTC) - older_than
        with self._lock:
            old = [job for job in self._jobs.values() if job.ended is not None and job.ended <= oldest]
            for job in old:
                self._forget(job)
        return len(old)

    def close(self) -> None:
        """End the workers. What is running is interrupted after the file that it is at; what waits is kept."""
        self._closing.set()
        for _ in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            worker.join()
        self._claim.close()

    # What is on the disk

    def _found(self) -> Iterator[Job]:
        for path in sorted(self._folder.glob(f"*/{_STATE}")):
            try:
                yield Job.model_validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                _log.error("%s is no job that this version can take up: %s", path, error)

    def _take_up(self, job: Job) -> None:
        """Note a new job, or one of an earlier run of the program."""
        self._jobs[job.id], self._stops[job.id] = job, threading.Event()
        if job.state == "waiting":
            self._note(job)
            self._queue.put(job.id)
        elif job.state == "running":
            self._end(job.id, "interrupted", "The program ended while this report was made: ask for it anew")

    def _note(self, job: Job) -> Job:
        with self._lock:
            if job.id in self._jobs:  # else it was deleted meanwhile
                self._jobs[job.id] = job
                write_whole(self._folder / job.id / _STATE, job.model_dump_json(indent=1).encode(), private=True)
        return job

    def _change(self, job_id: str, **fields: object) -> Job | None:
        """Note new fields of a job; None where it was deleted meanwhile."""
        with self._lock:
            job = self._jobs.get(job_id)
            return None if job is None else self._note(job.model_copy(update=fields))

    def _end(self, job_id: str, state: State, message: str | None = None, failures: Sequence[Failure] = ()) -> Job:
        with self._lock:
            job = self._jobs[job_id]
            self._uploads.remove(*(file for file in job.files if isinstance(file, Upload)))
            ended = {"state": state, "message": message, "ended": datetime.now(UTC), "seconds_left": None}
            return self._note(job.model_copy(update={**ended, "failures": tuple(failures) or job.failures}))

    def _forget(self, job: Job) -> None:
        self._uploads.remove(*(file for file in job.files if isinstance(file, Upload)))
        shutil.rmtree(self._folder / job.id)
        del self._jobs[job.id], self._stops[job.id]

    # The work

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None and not self._closing.is_set():
            with self._lock:
                job = self._jobs.get(job_id)
                if job is None or job.state != "waiting":
                    continue
                job = self._note(job.model_copy(update={"state": "running", "started": datetime.now(UTC)}))
                stop = self._stops[job_id]
            self._make(job, stop)

    def _make(self, job: Job, stop: threading.Event) -> None:
        state, message, failures = self._made(job, stop)
        with self._lock:
            if job.id in self._jobs:
                self._end(job.id, state, message, failures)
            else:  # deleted meanwhile: what was written since goes too
                shutil.rmtree(self._folder / job.id, ignore_errors=True)

    def _made(self, job: Job, stop: threading.Event) -> tuple[State, str | None, tuple[Failure, ...]]:
        """Make the report, and say how that ended."""
        try:
            report, pictures = build_report(
                self._toolbox,
                self._given(job, stop),
                job.failures,
                command=_command(job),
                title=job.title,
                purpose=job.purpose,
                on_progress=_Progress(self, job),
            )
            result = private_folder(self._folder / job.id / _RESULT)
            written = write_report(report, pictures, result, job.language)
            write_whole(result / "report.zip", _zipped(written), private=True)
        except _Stopped:
            if self._closing.is_set():
                return "interrupted", "The program ended while this report was made: ask for it anew", job.failures
            return "cancelled", None, job.failures
        except FaceAgentError as error:
            return "failed", str(error), job.failures
        except Exception as error:  # noqa: BLE001 - the last line of defence: one report fails, and not all after it
            _log.exception("job %s", job.id)
            return (
                "failed",
                f"Something unexpected went wrong ({type(error).__name__}); the log has more.",
                job.failures,
            )
        return "done", None, report.failures

    def _given(self, job: Job, stop: threading.Event) -> Iterator[Photo | Video | Failure]:
        for file in job.files:
            if stop.is_set() or self._closing.is_set():
                raise _Stopped
            opening = partial(self._uploads.open, file) if isinstance(file, Upload) else partial(take, file)
            yield attempt(_name(file), opening)
        if stop.is_set():
            raise _Stopped

    def _seconds_of_queue(self) -> int:
        return max(1, round(min((job.seconds_left or _USUAL_SECONDS for job in self._jobs.values()), default=1)))


class _Stopped(Exception):
    """The job was cancelled, or the program ends."""


class _Progress:
    """Notes after each file how far a job has come, and when it will have ended at that pace."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self._jobs, self._job = jobs, job
        self._start, self._done = time.monotonic(), 0

    def __call__(self, _: str) -> None:
        self._done += 1
        pace = (time.monotonic() - self._start) / self._done
        left = pace * (len(self._job.files) - self._done)
        self._jobs._change(self._job.id, done=self._done, seconds_left=round(left, 1))


def _name(file: Upload | Path) -> str:
    return file.name if isinstance(file, Upload) else str(file)


def _command(job: Job) -> str:
    purpose = ["--purpose", job.purpose] if job.purpose else []
    language = ["--language", job.language] if job.language != "en" else []
    return shlex.join(["faceagent", "report", *job.names, *purpose, *language])


def _zipped(files: dict[str, Path]) -> bytes:
    """A ZIP of the files, under names of our own."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files.values():
            archive.write(path, path.name)
    return buffer.getvalue()
