"""FoodFleet's application with BENCH_THREADS threads a process, for the comparison of workers and threads."""

import os

from django.conf import settings

from foodfleet.asgi import HASHING, django_application
from foodfleet.core.http.bodies.cached_responses import CachedResponses
from foodfleet.core.http.bodies.wsgi_bridge import WSGIBridge

application = WSGIBridge(
    django_application,
    threads=int(os.environ["BENCH_THREADS"]),
    body_seconds=settings.BODY_TIMEOUT_SECONDS,
    most=settings.MOST_BODY_BYTES,
    own_threads=[(1, ["/health/live/"]), (2, HASHING)],
    responses=CachedResponses(),
)
