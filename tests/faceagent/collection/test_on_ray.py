"""Ray gives the shards that one machine's workers give, also where an actor is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import faulty
import pytest
from faulty import collection, leavings, shards, whole

from faceagent.collection import local, on_ray
from faceagent.collection.lines import lines
from faceagent.errors import InputError, ToolError

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def cluster(s3: Mapping[str, str]) -> Iterator[None]:
    """A cluster of this machine, whose workers find this folder's helpers and the store."""
    variables = {"PYTHONPATH": os.pathsep.join(sys.path), **s3}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": variables})
    yield
    ray.shutdown()


def test_ray_gives_what_one_machine_gives(tmp_path: Path) -> None:
    wishes = ["good", "crash once", "good", "good", "good", "crash", "good"]
    theirs, ours = (collection(tmp_path, wishes, name, shard=3) for name in ("theirs", "ours"))
    told = faulty.Told()
    on_ray.run(theirs, 2, told, make=faulty.obedient)
    local.run(ours, 2, make=faulty.obedient)
    assert sum(told.files) == 7
    assert shards(theirs) == shards(ours)
    assert leavings(theirs) == []
    assert [line.number for line in lines(theirs) if line.failure and "ended 2 times" in line.failure.message] == [5]


def test_ray_gives_the_same_in_a_store(bucket: object, tmp_path: Path) -> None:
    wishes = ["good", "crash once", "good", "good", "good", "crash", "good"]
    theirs, ours = (collection(tmp_path, wishes, name, shard=3) for name in ("s3://bucket/theirs", "ours"))
    on_ray.run(theirs, 2, make=faulty.obedient)
    local.run(ours, 2, make=faulty.obedient)
    assert shards(theirs) == shards(ours)
    assert leavings(theirs) == []


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    made = collection(tmp_path, ["good"] * 4, shard=2)
    local.run(made, 1, make=faulty.obedient)
    before = whole(made, 0).stat().st_mtime_ns
    on_ray.run(made, 1, make=faulty.obedient)
    assert whole(made, 0).stat().st_mtime_ns == before


def test_an_error_is_its_own_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="goes on where it stopped"):
        on_ray.run(collection(tmp_path, ["good"] * 8), 1, make=faulty.cramped)


def test_workers_that_never_begin_are_given_up(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="before they had examined anything"):
        on_ray.run(collection(tmp_path, ["good"]), 1, make=faulty.stillborn)
