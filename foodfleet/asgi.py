"""The ASGI application that `make serve` runs: the WSGI application behind complete request bodies."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import reverse

from foodfleet.core.http.bodies.wsgi_bridge import WSGIBridge

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")
django_application = get_wsgi_application()

from foodfleet.core.http.bodies.cached_responses import CachedResponses  # noqa: E402  has models: after the set-up

HASHING = [reverse(name) for name in ("api_login", "login", "api_register", "register")]  # a quarter of a second each
application = WSGIBridge(
    django_application,
    threads=settings.WEB_THREADS,
    body_seconds=settings.BODY_TIMEOUT_SECONDS,
    most=settings.MOST_BODY_BYTES,
    own_threads=[(1, ["/health/live/"]), (2, HASHING)],
    responses=CachedResponses(),
)
