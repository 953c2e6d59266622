"""Reports made in a store are those made in a folder, whatever is killed on the way."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faulty
import pytest
from conftest import EXAMPLES
from faulty import collection, leavings, shards

from faceagent.cli import main
from faceagent.collection.lines import lines
from faceagent.collection.local import run
from faceagent.collection.manifest import Collection
from faceagent.collection.shard import work
from faceagent.errors import InputError, UsageError

fsspec = pytest.importorskip("fsspec")
unix = pytest.mark.skipif(os.name == "nt", reason="processes are killed by signal")
WISHES = ["good", "crash once", "good", "slow", "crash", "slow", "good", "slow", "good", "slow", "good"]
OUT = "s3://bucket/out"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps what is under way."""
    return machine(tmp_path, "machine", monkeypatch)


def machine(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def memory() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()


@unix
def test_a_store_holds_what_a_folder_would(bucket: Any, tmp_path: Path) -> None:
    there, here = (collection(tmp_path, WISHES, name) for name in (OUT, "here"))
    run(there, 2, make=faulty.obedient)
    run(here, 2, make=faulty.obedient)
    assert shards(there) == shards(here)
    assert leavings(there) == []
    names = {name.removeprefix("bucket/out/") for name in bucket.find("bucket/out")}
    assert names == {"run.txt", "manifest.jsonl", "collection.json", *map(there.name, range(there.count))}
    for name in ("manifest.jsonl", "collection.json"):
        assert bucket.cat_file(f"bucket/out/{name}") == (tmp_path / "here" / name).read_bytes()


@unix
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_driver_that_is_killed_goes_on_also_on_another_machine(
    elsewhere: bool, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = collection(tmp_path, ["slow"] * 16, OUT)
    driver = multiprocessing.get_context("spawn").Process(target=faulty.fast_driver, args=(OUT,))
    driver.start()
    faulty.wait_until(lambda: len(broken.left()) < 4 and leavings(broken))
    assert driver.pid is not None
    os.kill(driver.pid, signal.SIGKILL)
    driver.join()
    faulty.wait_until(lambda: not faulty.workers_of(driver.pid))
    assert broken.left()
    if elsewhere:
        machine(tmp_path, "another", monkeypatch)
    again = collection(tmp_path, ["slow"] * 16, OUT)
    assert leavings(again) == ([] if elsewhere else leavings(broken))
    run(again, 2, make=faulty.obedient)
    undisturbed = collection(tmp_path, ["slow"] * 16, "undisturbed")
    run(undisturbed, 2, make=faulty.obedient)
    assert shards(again) == shards(undisturbed)
    assert leavings(again) == []


def test_an_outage_at_the_end_of_a_shard_costs_no_file_twice(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = collection(tmp_path, ["good"] * 3, "memory://out")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left")

    with monkeypatch.context() as broken, pytest.raises(InputError, match="goes on where it stopped"):
        broken.setattr(type(memory), "pipe_file", full)
        work(made, next(made.all()), faulty.obedient)
    assert made.left()
    work(made, next(made.all()), lambda _: lambda *_: pytest.fail("it was examined already"))
    assert [line.number for line in lines(made)] == [0, 1, 2]


def test_notes_on_a_report_that_was_deleted_are_not_those_of_the_next(memory: Any, tmp_path: Path) -> None:
    first = collection(tmp_path, ["good"], "memory://out")
    (first.place.work / first.name(0)).with_suffix(".part").write_text("of the first")
    memory.rm("/out", recursive=True)
    assert leavings(first) == ["00000.part"]
    assert leavings(collection(tmp_path, ["good"], "memory://out")) == []


def test_a_bucket_that_is_not_there_is_told_before_anything_is_examined(bucket: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"s3://nowhere/out/run\.txt cannot be written"):
        collection(tmp_path, ["good"], "s3://nowhere/out")


@pytest.mark.parametrize(
    ("out", "said"), [("https://example.org/out", "is not read"), ("s3://me:word@bucket/out", "name or a password")]
)
def test_where_no_report_is_made(out: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        collection(tmp_path, ["good"], out)


def test_faces_are_not_compared_in_a_store(memory: Any) -> None:
    with pytest.raises(UsageError, match="in a folder alone"):
        Collection.begin("memory://out", [str(EXAMPLES)], purpose="protection", recurring=True)
    assert memory.find("/out") == []


@unix
def test_a_folder_for_notes_that_others_may_read_is_refused(memory: Any, temporary: Path, tmp_path: Path) -> None:
    (temporary / f"faceagent-reports-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(InputError, match="not a folder of yours alone"):
        collection(tmp_path, ["good"], "memory://out")


def test_the_command_makes_it_in_a_store(bucket: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same pages and tables as in a folder."""
    (tmp_path / "broken.jpg").write_bytes(b"no photo at all")
    inputs = [str(EXAMPLES / "portrait.jpg"), str(tmp_path / "broken.jpg")]
    for out in (OUT, str(tmp_path / "here")):
        assert main(["report", *inputs, "--engine", "local", "--workers", "1", "--out", out]) == 1
        assert f"Read it: {out}/overview.html" in capsys.readouterr().out
    assert bucket.cat_file("bucket/out/index.csv") == (tmp_path / "here" / "index.csv").read_bytes()
    told = [
        json.loads(text)
        for text in (bucket.cat_file("bucket/out/overview.json"), (tmp_path / "here" / "overview.json").read_bytes())
    ]
    assert [one.pop("created")[:2] for one in told] == ["20", "20"]
    assert told[0] == told[1]
    assert b"broken.jpg" in bucket.cat_file("bucket/out/overview.html")
    assert bucket.exists("bucket/out/progress.html")
