"""Batches made in a thread while the network works on the one before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

_AHEAD = 4  # batches made before they are asked for

Batch = TypeVar("Batch")


class Ahead(Generic[Batch]):
    """The batches of steps `first`, `first` + 1, ... in order.

    Args:
        make: the batch of a step.
    """

    def __init__(self, make: Callable[[int], Batch], first: int) -> None:
        self._queue: queue.Queue[Batch | BaseException] = queue.Queue(_AHEAD)
        self._stop, self._maker = threading.Event(), make
        self._thread = threading.Thread(target=self._make, args=(first,), daemon=True)
        self._thread.start()

    def _make(self, step: int) -> None:
        while not self._stop.is_set():
            made: Batch | BaseException
            try:
                made = self._maker(step)
            except Exception as error:  # noqa: BLE001 - handed over and raised where batches are asked for
                made = error
            while not self._stop.is_set():
                try:
                    self._queue.put(made, timeout=0.2)
                    break
                except queue.Full:
                    continue
            step += 1

    def __iter__(self) -> Iterator[Batch]:
        while True:
            made = self._queue.get()
            if isinstance(made, BaseException):
                raise made
            yield made

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
