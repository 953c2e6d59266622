"""What a run tells while it runs: the log, metrics, a page; and nothing of it names a file."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import faulty
import pytest
from conftest import EXAMPLES
from faulty import collection

from faceagent.cli import _parser
from faceagent.collection.local import run
from faceagent.collection.manifest import Collection
from faceagent.collection.metrics import Metrics
from faceagent.collection.monitor import Done, Log, Monitor, State
from faceagent.collection.progress import ProgressPage, to_html
from faceagent.errors import UsageError
from faceagent.messages import LANGUAGES


def watched(of: Collection, *views: object) -> State:
    with Monitor(of, 2, views) as monitor:  # type: ignore[arg-type]
        run(of, 2, monitor, make=faulty.obedient)
    return monitor.state


def test_the_log_tells_figures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="faceagent.collection"):
        state = watched(collection(tmp_path, ["good", "crash once", "good"], shard=2), Log())
    assert (state.done, state.failed, state.deaths, state.shards_left) == (3, 3, 1, 0)
    told = [record.message for record in caplog.records]
    assert told[0] == "the run begins"
    assert told[-1] == "the run has ended"
    assert told.count("a shard is done") == 2
    assert told.count("a worker died") == 1
    assert caplog.records[-1].files_done == 3  # type: ignore[attr-defined]
    assert not any(".jpg" in str(record.__dict__) for record in caplog.records)


def test_what_was_done_before_is_not_counted_as_speed(tmp_path: Path) -> None:
    whole = collection(tmp_path, ["good"] * 4, shard=2)
    watched(whole)
    again = watched(whole)
    assert (again.before, again.done, again.per_second) == (4, 4, 0.0)


def test_metrics(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    metrics = Metrics(0)

    def scraped() -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics") as answer:
            rows = (line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))
            return {name: float(value) for name, value in rows}

    class Look:
        last: dict[str, float]

        def show(self, state: State, done: Done | None) -> None:
            self.last = scraped()

        def close(self) -> None: ...

    look = Look()
    with pytest.raises(UsageError, match="cannot be served"):
        Metrics(metrics.port)
    watched(collection(tmp_path, ["good", "good", "crash once"], shard=2), metrics, look)
    assert look.last['faceagent_files_total{outcome="failed"}'] == 3
    assert look.last['faceagent_files_total{outcome="examined"}'] == 0
    assert look.last["faceagent_shards_waiting"] == look.last["faceagent_files_waiting"] == 0
    assert look.last["faceagent_worker_deaths"] == 1
    assert look.last["faceagent_worker_peak_bytes"] > 2**20
    with pytest.raises(OSError, match="refused"):
        scraped()


@pytest.mark.parametrize(
    ("given", "meant"), [("9100", ("127.0.0.1", 9100)), ("0.0.0.0:9100", ("0.0.0.0", 9100)), ("[::]:0", ("::", 0))]
)
def test_metrics_are_for_this_machine_unless_a_host_is_given(given: str, meant: tuple[str, int]) -> None:
    assert _parser().parse_args(["report", "photos", "--engine", "local", "--metrics", given]).metrics == meant


def test_metrics_time_each_stage() -> None:
    prometheus = pytest.importorskip("prometheus_client")
    metrics = Metrics(0)
    try:
        metrics.show(State(1, 1, 1, 0, 1, 0), Done(0, 1, 0, (("detect_faces", 0.3), ("detect_faces", 1.2))))
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        metrics.close()
    assert 'faceagent_stage_seconds_sum{stage="detect_faces"} 1.5' in text
    assert 'faceagent_stage_seconds_bucket{le="0.5",stage="detect_faces"} 1.0' in text
    assert "faceagent_files" not in prometheus.generate_latest().decode()  # no registry but its own


def test_the_page_is_loaded_again_until_the_run_has_ended(tmp_path: Path) -> None:
    whole = collection(tmp_path, ["good"] * 3)
    page = tmp_path / "out" / "progress.html"
    with Monitor(whole, 1, [ProgressPage(whole)]) as monitor:
        assert 'http-equiv="refresh"' in page.read_text("utf-8")
        run(whole, 1, monitor, make=faulty.obedient)
    text = page.read_text("utf-8")
    assert "refresh" not in text
    assert "3 of 3 files are done." in text
    assert 'href="overview.html"' in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_in_every_language(language: str) -> None:
    state = State(9, 3, 2, 0, 4, 2, seconds={"detect_faces": 2.0}, calls={"detect_faces": 4}, memory=3 * 2**20)
    page = to_html(state, language)
    assert f'<html lang="{language}">' in page
    assert ("The run has ended" in page or "Shards that wait" in page) is (language == "en")
    assert "0.50" in page


def test_the_command_logs_json_and_nothing_else_on_standard_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "faceagent", "report", str(EXAMPLES / "portrait.jpg"), "--engine", "local"]
    options = ["--workers", "1", "--out", str(tmp_path / "out"), "--log-json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["message"] for one in told] == ["the run begins", "a shard is done", "the run has ended"]
    assert told[-1]["files_done"] == told[-1]["files"] == 1
    assert {"time", "level", "logger"} <= told[0].keys()
    assert "portrait" not in done.stderr
