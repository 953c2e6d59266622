"""Questions are answered by a few workers; a few more may wait, and whoever comes then is told when to come again."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from faceagent.errors import Busy

T = TypeVar("T")
_SHARE = 0.2  # of the last question in the running mean of how long one takes


class Pool:
    """The workers.

    Args:
        workers: questions that are answered at the same time.
        most: questions that may wait besides.
    """

    def __init__(self, workers: int, most: int) -> None:
        self._workers, self._most = workers, most
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="asks")
        self._lock, self._under_way, self._seconds = threading.Lock(), 0, 1.0

    @property
    def under_way(self) -> int:
        """Questions that are being answered or wait."""
        return self._under_way

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have it done as soon as a worker is free.

        Raises:
            Busy: as many are waiting as may wait.
        """
        with self._lock:
            if self._under_way >= self._workers + self._most:
                seconds = max(1, math.ceil(self._seconds * self._most / self._workers))
                raise Busy(f"{self._under_way} questions are being answered or wait already", seconds)
            self._under_way += 1
        future = self._threads.submit(self._timed, work)
        future.add_done_callback(self._left)
        return future

    def close(self) -> None:
        """End the workers; what has not begun is cancelled."""
        self._threads.shutdown(cancel_futures=True)

    def _timed(self, work: Callable[[], T]) -> T:
        start = time.monotonic()
        try:
            return work()
        finally:
            with self._lock:
                self._seconds += _SHARE * (time.monotonic() - start - self._seconds)

    def _left(self, _: object) -> None:
        with self._lock:
            self._under_way -= 1
