"""The engine of many machines: Ray Data gives shards to actors that stay warm, on the cluster that RAY_ADDRESS names
or, without one, on this machine.

Every machine has to see the files and the place of the report under the same names, as on a shared disk or in a store.
Ray starts an actor that died anew and gives it its shard again, however often; the shard's own notes tell what ended
it: on a shared disk all of them, and else those of the same machine.
"""

from __future__ import annotations

import logging
import os
import pickle
from typing import Any

from faceagent.collection.manifest import Collection, Shard
from faceagent.collection.monitor import Observer, Unobserved
from faceagent.collection.shard import Make, examiner, held, one_thread, peak_memory, work
from faceagent.errors import FaceAgentError, MissingExtra


def run(
    collection: Collection,
    workers: int,
    observer: Observer | None = None,
    make: Make = examiner,
) -> None:
    """Make every shard that is not there yet.

    Args:
        workers: actors at most, a core each.
        observer: is told of shards that are done; of actors that died Ray tells by itself.

    Raises:
        As `local.run`. MissingExtra: Ray is not installed.
    """
    ray = _ray()
    observer = observer or Unobserved()
    with held(collection):
        left = collection.left()
        if not left:
            return
        begun = not ray.is_initialized()
        if begun:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
        try:
            for row in _shards(ray, collection, left, workers, make).iter_rows():
                if row["error"]:
                    raise pickle.loads(row["error"])  # of our own making, as all that Ray passes on
                observer.done(Shard.model_validate_json(row["shard"]), row["memory"])
        finally:
            if begun:
                ray.shutdown()


def _shards(ray: Any, collection: Collection, left: list[Shard], workers: int, make: Make) -> Any:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the caller has one
    return ray.data.from_items(
        [{"shard": shard.model_dump_json()} for shard in left], override_num_blocks=len(left)
    ).map_batches(
        _Worker,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers, max_tasks_in_flight_per_actor=1),
        fn_constructor_args=(collection, make),
        num_cpus=1,
    )


class _Worker:
    """An actor: its networks are loaded with its first file."""

    def __init__(self, collection: Collection, make: Make) -> None:
        one_thread()
        self._collection, self._make = collection, make

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Of a batch of one shard. An error is passed on as a value: Ray would make it one of its own."""
        shard = Shard.model_validate_json(batch["shard"][0])
        try:
            if not self._collection.place.has(self._collection.name(shard.number)):
                work(self._collection, shard, self._make)
        except FaceAgentError as error:
            return {"shard": batch["shard"], "memory": [0], "error": [pickle.dumps(error)]}
        return {"shard": batch["shard"], "memory": [peak_memory()], "error": [b""]}


def _ray() -> Any:
    # Ray asks its users for a survey and sends statistics of use unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("The engine ray", "ray") from None
    return ray
