"""The engine of one machine: workers that stay, each a process of its own, with a shard at a time.

Each worker is a pool of one, so that a worker that dies takes no other with it, and it is known what it was at.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for

from faceagent.collection.manifest import Collection, Shard
from faceagent.collection.monitor import Observer, Unobserved
from faceagent.collection.shard import Make, examiner, held, one_thread, peak_memory, work


def run(
    collection: Collection,
    workers: int,
    observer: Observer | None = None,
    make: Make = examiner,
) -> None:
    """Make every shard that is not there yet.

    Args:
        workers: processes. Each takes one thread, so as many as there are cores.
        observer: is told of shards that are done and workers that died.

    Raises:
        InputError: a shard cannot be written. ToolError: workers end before they have examined anything.
        WeightsError: a model file cannot be used. UsageError: another program works on this collection.
    """
    with held(collection):
        _run(collection, workers, observer or Unobserved(), make)


def _run(collection: Collection, workers: int, observer: Observer, make: Make) -> None:
    left = collection.left()[::-1]
    pools = [_Worker(collection, make) for _ in range(min(workers, len(left)))]
    try:
        running: dict[Future[int], _Worker] = {}
        while left or running:
            for worker in pools:
                if worker not in running.values() and left:
                    running[worker.start(left.pop())] = worker
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                worker = running.pop(future)
                shard = worker.shard
                if worker.finished(future):
                    observer.done(shard, future.result())
                else:
                    left.append(shard)
                    observer.died(shard)
    finally:
        for worker in pools:
            worker.end()


class _Worker:
    """A process that makes shards, and its successors."""

    def __init__(self, collection: Collection, make: Make) -> None:
        self._collection, self._make = collection, make
        self._pool = _pool()
        self.shard: Shard

    def start(self, shard: Shard) -> Future[int]:
        self.shard = shard
        return self._pool.submit(_work, self._collection, shard, self._make)

    def finished(self, future: Future[int]) -> bool:
        """Whether the shard is done. If the process died, there is another one now."""
        try:
            future.result()
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = _pool()
            return False
        return True

    def end(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _pool() -> ProcessPoolExecutor:
    # "spawn": a fork of a process with threads and networks in it may hang.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare)


def _prepare() -> None:
    """One thread, before any network is loaded: N workers on N cores must not start N each. And no life of its own:
    a worker whose program was killed would wait for work for ever, or write beside its successor."""
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _work(collection: Collection, shard: Shard, make: Make) -> int:
    """Make a shard, and tell the most memory that this process took, in bytes."""
    work(collection, shard, make)
    return peak_memory()
