"""`/metrics`: the counts of all processes, and gauges read from the database, in Prometheus's text format."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from foodfleet.core.http import ip_addresses
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.metrics.counters import Metric, writer
from foodfleet.core.models import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Values = Iterable[tuple[tuple[str, ...], float]]


class Gauge(Metric):
    """A number that is read at each scrape. read: yields the values of the labels and the number for each series."""

    kind = "gauge"

    def __init__(self, name: str, description: str, *labels: str, read: Callable[[], Values]) -> None:
        super().__init__(name, description, *labels)
        self.read = read

    def take(self) -> Iterator[tuple[str, float]]:
        return iter(())


@never_cache
@endpoint(PUBLIC, "GET")
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics, only to callers in METRICS_ALLOWED_NETS.

    Requests that an unknown proxy forwarded are refused: their address is that of the proxy.
    """
    address = ip_addresses.address(request.META["REMOTE_ADDR"])
    is_allowed = address is not None and any(address in network for network in settings.METRICS_ALLOWED_NETS)
    if not is_allowed or getattr(request, "is_forwarded_by_unknown", False):
        raise PermissionDenied
    writer.write()
    return HttpResponse("".join(lines()), content_type=CONTENT_TYPE)


def lines() -> Iterator[str]:
    """Yield the lines of the response."""
    stored = {
        name: [*samples] for name, samples in groupby(Sample.objects.by_series(), lambda sample: _name(sample.series))
    }
    for metric in Metric.all.values():
        yield f"# HELP {metric.name} {metric.description}\n# TYPE {metric.name} {metric.kind}\n"
        if isinstance(metric, Gauge):
            for values, value in metric.read():
                yield f"{metric.series(values)} {value:.15g}\n"
        for sample in stored.get(metric.name, ()):
            yield f"{sample.series} {sample.value:.15g}\n"


def _name(series: str) -> str:
    name = series.partition("{")[0]
    return next((name.removesuffix(end) for end in ("_bucket", "_sum", "_count") if name.endswith(end)), name)
