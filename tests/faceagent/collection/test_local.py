"""Whatever is killed on the way, the shards come out as those of a run that nothing disturbed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import faulty
import pytest
from conftest import EXAMPLES
from faulty import collection, leavings, shards, whole

from faceagent.collection.lines import lines
from faceagent.collection.local import run
from faceagent.collection.manifest import Collection
from faceagent.errors import InputError, ToolError, UsageError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes are killed by signal")


def test_two_workers_give_what_one_gives(tmp_path: Path) -> None:
    one, two = (collection(tmp_path, ["good"] * 11, name) for name in ("one", "two"))
    told = faulty.Told()
    run(one, 1, make=faulty.obedient)
    run(two, 2, told, make=faulty.obedient)
    assert shards(one) == shards(two)
    assert sorted(told.files) == [3, 4, 4]
    assert [line.number for line in lines(two)] == list(range(11))
    assert leavings(two) == []


def test_a_worker_that_dies_costs_nothing(tmp_path: Path) -> None:
    wishes = ["good", "crash once", "good", "good", "crash once", "good"]
    disturbed, told = collection(tmp_path, wishes), faulty.Told()
    run(disturbed, 2, told, make=faulty.obedient)
    assert told.deaths == 2
    assert told.memory > 2**20
    after = collection(tmp_path, wishes, "after")  # nothing crashes a second time
    run(after, 1, make=faulty.obedient)
    assert shards(disturbed) == shards(after)


def test_a_file_that_crashes_its_reader_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    made = collection(tmp_path, ["good", "good", "crash", "good", "good", "crash"], shard=3)
    run(made, 2, make=faulty.obedient)
    told = [line.failure.message if line.failure else "" for line in lines(made)]
    assert [text.startswith("The program that read it ended 2 times") for text in told] == [
        wish == "crash" for wish in ("good", "good", "crash", "good", "good", "crash")
    ]


def test_workers_that_never_begin_are_given_up(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="before they had examined anything"):
        run(collection(tmp_path, ["good"]), 1, make=faulty.stillborn)


def test_a_driver_that_is_killed_goes_on(tmp_path: Path) -> None:
    broken = collection(tmp_path, ["slow"] * 24)
    driver = multiprocessing.get_context("spawn").Process(target=faulty.fast_driver, args=(str(broken.place),))
    driver.start()
    faulty.wait_until(lambda: leavings(broken))
    assert driver.pid is not None
    os.kill(driver.pid, signal.SIGKILL)
    driver.join()
    faulty.wait_until(lambda: not faulty.workers_of(driver.pid))
    assert broken.left()
    run(broken, 2, make=faulty.obedient)
    made = collection(tmp_path, ["slow"] * 24, "whole")
    run(made, 2, make=faulty.obedient)
    assert shards(broken) == shards(made)
    assert leavings(broken) == []


def test_two_programs_do_not_work_on_one_collection(tmp_path: Path) -> None:
    from faceagent.files import claim

    made = collection(tmp_path, ["good"])
    with claim(made.place.work / "lock"), pytest.raises(UsageError, match="Another program"):
        run(made, 1, make=faulty.obedient)


def test_a_line_cut_off_in_the_writing_is_made_anew(tmp_path: Path) -> None:
    made = collection(tmp_path, ["good"] * 3)
    run(made, 1, make=faulty.obedient)
    expected = whole(made, 0).read_bytes()
    whole(made, 0).unlink()
    whole(made, 0).with_suffix(".part").write_bytes(expected[: len(expected) // 2])
    run(made, 1, make=faulty.obedient)
    assert shards(made) == [expected]


def test_a_full_disk_is_told_and_what_was_done_stays(tmp_path: Path) -> None:
    made = collection(tmp_path, ["good"] * 8)
    with pytest.raises(InputError, match="goes on where it stopped"):
        run(made, 1, make=faulty.cramped)
    assert whole(made, 0).with_suffix(".part").read_bytes()
    run(made, 1, make=faulty.obedient)
    undisturbed = collection(tmp_path, ["good"] * 8, "undisturbed")
    run(undisturbed, 1, make=faulty.obedient)
    assert shards(made) == shards(undisturbed)


def test_an_input_that_is_lost_after_the_beginning_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("gone.jpg", "here.jpg"):
        (photos / name).write_bytes((EXAMPLES / "portrait.jpg").read_bytes())
    made = Collection.begin(tmp_path / "out", [str(photos)], shard=2)
    (photos / "gone.jpg").unlink()
    run(made, 1)
    gone, here = lines(made)
    assert gone.failure is not None
    assert "gone.jpg" in gone.failure.message
    assert here.report is not None
