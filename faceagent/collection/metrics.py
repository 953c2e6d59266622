"""The same for Prometheus: http://HOST:PORT/metrics, for this machine alone unless a host is given, while a collection
is examined. It has no password, and holds no name of a file."""

from __future__ import annotations

from faceagent.collection.monitor import Done, State
from faceagent.errors import MissingExtra, UsageError

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)


class Metrics:
    """A view that answers Prometheus.

    Raises:
        MissingExtra: prometheus-client is not installed. UsageError: the port is taken, or the host is not ours.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        try:
            from prometheus_client import (
                CollectorRegistry,
                Counter,
                Gauge,
                Histogram,
                ProcessCollector,
                start_http_server,
            )
        except ImportError:
            raise MissingExtra("--metrics", "observe") from None
        own = CollectorRegistry()
        ProcessCollector(registry=own)
        self._files = Counter("faceagent_files", "Files examined in this run", ["outcome"], registry=own)
        self._stages = Histogram(
            "faceagent_stage_seconds", "Time of one call of a tool", ["stage"], buckets=_SECONDS, registry=own
        )
        self._deaths = Gauge("faceagent_worker_deaths", "Workers that died in this run", registry=own)
        self._queue = Gauge("faceagent_shards_waiting", "Shards that are not done", registry=own)
        self._left = Gauge("faceagent_files_waiting", "Files that are not done", registry=own)
        self._workers = Gauge("faceagent_workers", "Workers at most", registry=own)
        self._memory = Gauge("faceagent_worker_peak_bytes", "Most memory that a worker took", registry=own)
        for outcome in ("examined", "failed"):
            self._files.labels(outcome)
        try:
            self._server, self._thread = start_http_server(port, addr=host, registry=own)
        except (OSError, OverflowError) as error:
            raise UsageError(f"{host}:{port} cannot be served ({error})", "Choose another") from error
        self.port: int = self._server.server_port

    def show(self, state: State, done: Done | None) -> None:
        self._queue.set(state.shards_left)
        self._left.set(state.files - state.done)
        self._workers.set(0 if state.ended else state.workers)
        self._deaths.set(state.deaths)
        self._memory.set(state.memory)
        if done is not None:
            self._files.labels("failed").inc(done.failed)
            self._files.labels("examined").inc(done.files - done.failed)
            for tool, seconds in done.stages:
                self._stages.labels(tool).observe(seconds)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
