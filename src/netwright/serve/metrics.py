"""What a server counts, for Prometheus: requests, their times, rows, batches. Several processes count together.

`prometheus_client` lets processes count together by files in the folder that `PROMETHEUS_MULTIPROC_DIR` names, which
`workers` makes before it starts them.
"""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from netwright._version import __version__

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"  # the label of every path that there is not: a stranger must not fill the memory with labels

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1_024, 4_096, 16_384)


class Metrics:
    """The counters of one process.

    Args:
        paths: that have a label of their own.
    """

    def __init__(self, paths: frozenset[str]) -> None:
        self._paths = paths
        self._counters: dict[tuple[str, int], tuple[Counter, Histogram]] = {}  # by path and status
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "netwright_requests", "Requests that were answered.", ["path", "status"], registry=registry
        )
        self._seconds = Histogram(
            "netwright_request_seconds",
            "From the head of a request to the end of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._running = Gauge(
            "netwright_requests_running",
            "Requests that are being answered.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._batches = Histogram(
            "netwright_batch_rows", "Rows that were predicted together.", buckets=_ROWS, registry=registry
        )
        self._slow_heads = Counter(
            "netwright_slow_heads", "Connections that were closed before a request was complete.", registry=registry
        )
        info = Gauge(
            "netwright_info", "The version.", ["version"], multiprocess_mode="livemostrecent", registry=registry
        )
        info.labels(__version__).set(1)

    def began(self) -> None:
        """Count a request that is being answered."""
        self._running.inc()

    def ended(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        label = path if path in self._paths else OTHER
        self._running.dec()
        counters = self._counters.get((label, status))
        if counters is None:
            counters = self._requests.labels(label, str(status)), self._seconds.labels(label)
            self._counters[label, status] = counters
        counters[0].inc()
        counters[1].observe(seconds)

    def batch(self, rows: int) -> None:
        """Count rows that were predicted together."""
        self._batches.observe(rows)

    def slow_head(self) -> None:
        """Count a connection that was closed because its request did not arrive."""
        self._slow_heads.inc()

    def text(self) -> bytes:
        """Return all counts, of all processes, in the format of Prometheus."""
        if not os.environ.get(FOLDER):
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
