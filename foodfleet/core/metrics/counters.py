"""Counters and histograms for all processes together.

    SIGN_INS = Counter("foodfleet_sign_ins_total", "Sign-ins by outcome.", "outcome")
    SIGN_INS.add("success")

A process counts in memory, which takes about a microsecond, and adds its counts to the database every WRITE_INTERVAL
seconds. So the numbers of web processes, workers and machines are one sum, also after a restart. A process that is
killed loses its counts since the last write.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import ClassVar

import structlog
from django.db import DatabaseError, connections

from foodfleet.core.models import Sample

logger = structlog.get_logger(__name__)

WRITE_INTERVAL = 10.0  # seconds
BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds; a histogram of each label set has two rows more

Labels = tuple[str, ...]


class Metric:
    """The base class of metrics. Each registers itself by its name."""

    kind: ClassVar[str]
    all: ClassVar[dict[str, "Metric"]] = {}

    def __init__(self, name: str, description: str, *labels: str) -> None:
        self.name, self.description, self._labels = name, description, labels
        self._lock = threading.Lock()
        Metric.all[name] = self

    def series(self, values: Iterable[object], suffix: str = "", **more: str) -> str:
        """Return the name and labels of a series in Prometheus's format."""
        labels = {**dict(zip(self._labels, map(str, values), strict=True)), **more}
        pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
        return f"{self.name}{suffix}" + (f"{{{pairs}}}" if pairs else "")

    def take(self) -> Iterator[tuple[str, float]]:
        """Return the counts since the last call by series, and reset them."""
        raise NotImplementedError


class Counter(Metric):
    """A number that only grows."""

    kind = "counter"

    def __init__(self, name: str, description: str, *labels: str) -> None:
        super().__init__(name, description, *labels)
        self._counts: dict[Labels, int] = {}

    def add(self, *values: str, count: int = 1) -> None:
        """Increase the counter. values: of the labels."""
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + count

    def take(self) -> Iterator[tuple[str, float]]:
        with self._lock:
            counts, self._counts = self._counts, {}
        for values, count in counts.items():
            yield self.series(values), count


class Histogram(Metric):
    """Durations in seconds."""

    kind = "histogram"

    def __init__(self, name: str, description: str, *labels: str) -> None:
        super().__init__(name, description, *labels)
        self._durations: dict[Labels, list[float]] = {}  # how many up to each of BUCKETS and above, then their sum

    def observe(self, seconds: float, *values: str) -> None:
        """Record a duration. values: of the labels."""
        bucket = bisect_left(BUCKETS, seconds)
        with self._lock:
            if (durations := self._durations.get(values)) is None:
                durations = self._durations[values] = [0] * (len(BUCKETS) + 2)
            durations[bucket] += 1
            durations[-1] += seconds

    def take(self) -> Iterator[tuple[str, float]]:
        with self._lock:
            taken, self._durations = self._durations, {}
        for values, (*counts, total) in taken.items():
            for limit, count in zip((*BUCKETS, "+Inf"), accumulate(counts), strict=True):
                yield self.series(values, "_bucket", le=str(limit)), count
            yield self.series(values, "_sum"), total
            yield self.series(values, "_count"), sum(counts)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class Writer:
    """Adds the counts of this process to the database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unwritten: dict[str, float] = {}
        self._is_started = False

    def start(self) -> None:
        """Start a daemon thread that writes every WRITE_INTERVAL seconds. For processes of a service."""
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def write(self) -> None:
        """Write now. Raises DatabaseError; then the next call writes the same counts."""
        with self._lock:
            for metric in Metric.all.values():
                for series, value in metric.take():
                    self._unwritten[series] = self._unwritten.get(series, 0) + value
            Sample.objects.add(self._unwritten)
            self._unwritten = {}

    def _run(self) -> None:
        pause, has_failed = threading.Event(), False
        while True:
            pause.wait(WRITE_INTERVAL)
            try:
                self.write()
                has_failed = False
            except DatabaseError:
                if not has_failed:
                    logger.warning("metrics_not_written", exc_info=True)
                has_failed = True
            finally:
                connections.close_all()


writer = Writer()
