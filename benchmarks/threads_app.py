"""FoodFleet's application with BENCH_THREADS threads a process, for the comparison of workers and threads."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from foodfleet.core.http.bodies.wsgi_bridge import WSGIBridge

application = WSGIBridge(
    get_wsgi_application(),
    threads=int(os.environ["BENCH_THREADS"]),
    body_seconds=settings.BODY_TIMEOUT_SECONDS,
    most=settings.MOST_BODY_BYTES,
    responses=import_string("foodfleet.core.http.bodies.cached_responses.CachedResponses")(),  # needs the models
)
