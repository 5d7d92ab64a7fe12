"""Serve repeated GET calls without the middleware and views of Django, while what they check is unchanged.

A view offers its response by `offer(request, basis)`. The next call of the same URL with the same headers, from the
same client, gets the same bytes if `basis` says that the token is valid and the data unchanged, and if the user's rate
limit allows the call. Request id, log line and metric are those of the new call.

All headers of the call are part of the key. Everything else that the response depends on, such as rows and the clock,
is checked by the basis. A view whose rows anybody may change offers a function too, which makes each body anew.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from time import perf_counter
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest
from django_structlog.middlewares.request import RequestMiddleware

from foodfleet.core.http import request_ids, throttling
from foodfleet.core.http.bodies.wsgi_bridge import Response
from foodfleet.core.receivers import REQUESTS

OFFERED = "foodfleet.offered_response"  # key in the WSGI environ
FAILURE = "foodfleet.failure_of_body"  # key in the WSGI environ: why the body could not be made
REQUEST_ID = request_ids.HEADER.lower().encode()
# Headers that differ from call to call and do not affect responses.
NO_PART_OF_THE_KEY = frozenset({REQUEST_ID, b"traceparent", b"tracestate", b"x-amzn-trace-id", b"cf-ray"})
MOST_RESPONSES = 5_000  # of a process, of about 3 KB each with its key
LONGEST = 16 * 1024  # bytes of a body that is kept
LOGGER = logging.getLogger(RequestMiddleware.__module__)

Key = tuple[Any, ...]


class Basis(Protocol):
    """The token and data that a response depends on."""

    @property
    def user_id(self) -> int:
        """The user whose rate limit counts the call."""

    def is_current(self) -> bool:
        """Return whether the view would return the same response now. Reads only memory and, on SQLite, the file."""


@dataclass(frozen=True)
class _Offer:
    basis: Basis
    make_body: Callable[[], bytes] | None
    route: str
    log_context: dict[str, Any]


@dataclass(frozen=True)
class _Entry:
    response: Response
    offer: _Offer
    path: str


def offer(request: HttpRequest, basis: Basis, make_body: Callable[[], bytes] | None = None) -> None:
    """Allow reuse of the response to this call while `basis` is current. Only for views with the usual throttle.

    make_body: makes the body of each call. It may read the database, in a thread. Without it the body is reused too.
    If it has just failed for this call, its exception is raised, so that a slow statement does not run again.
    """
    if failure := request.META.get(FAILURE):
        raise failure
    # With DEBUG, calls log more than `_log` writes; a trace has spans of Django and the database.
    is_watched = LOGGER.isEnabledFor(logging.DEBUG) or settings.OTEL_EXPORTER_OTLP_ENDPOINT
    if is_watched or not basis.is_current():
        return
    context = {name: value for name, value in structlog.contextvars.get_contextvars().items() if name != "request_id"}
    assert request.resolver_match
    request.META[OFFERED] = _Offer(basis, make_body, request.resolver_match.route, context)


class CachedResponses:
    """The responses that a process may reuse; the oldest is evicted first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._lock = Lock()
        self._reads_database = not settings.REDIS_URL  # to see whether a basis is current

    def get(self, scope: MutableMapping[str, Any], environ: dict[str, Any] | None = None) -> Response | None:
        """Return a response to this call, after counting and logging it; None if the application must run.

        environ: the application's, in a thread, where the database may be read. An exception of `make_body` is put into
        it, for `offer`.
        """
        began = perf_counter()
        entry = self._entries.get(_key(scope)) if scope["method"] == "GET" else None
        if entry is None or (environ is None and (self._reads_database or entry.offer.make_body)):
            return None
        if not _is_current(entry.offer.basis) or not throttling.count_in_process(entry.offer.basis.user_id):
            return None
        given = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
        request_id = request_ids.accept_or_make(given.decode("latin-1"))
        response = entry.response
        if environ is not None and entry.offer.make_body:
            try:
                response = _with_new_body(entry, entry.offer.make_body, request_id)
            except Exception as error:  # noqa: BLE001  the application returns it as an error of the API
                environ |= {FAILURE: error, throttling.COUNTED: True}
                return None
        _log(entry, request_id, perf_counter() - began)
        return Response(response.status, [*response.headers, (REQUEST_ID, request_id.encode())], response.pieces)

    def keep(self, scope: MutableMapping[str, Any], environ: dict[str, Any], response: Response) -> None:
        """Store the response if its view offered it."""
        offered: _Offer | None = environ.get(OFFERED)
        if offered is None or response.status != 200 or any(name == b"set-cookie" for name, _ in response.headers):
            return
        pieces = [] if offered.make_body else response.pieces
        if response.file or sum(map(len, pieces)) > LONGEST:
            return
        headers = [(name, value) for name, value in response.headers if name != REQUEST_ID]
        entry = _Entry(Response(200, headers, pieces), offered, environ["PATH_INFO"])
        key = _key(scope)
        with self._lock:
            self._entries.pop(key, None)
            if len(self._entries) >= MOST_RESPONSES:
                self._entries.popitem(last=False)
            self._entries[key] = entry


def _is_current(basis: Basis) -> bool:
    try:
        return basis.is_current()
    except DatabaseError:  # the application turns it into an API error
        return False


def _with_new_body(entry: _Entry, make_body: Callable[[], bytes], request_id: str) -> Response:
    close_old_connections()  # as at the start of each request: a broken one is replaced
    with structlog.contextvars.bound_contextvars(**entry.offer.log_context, request_id=request_id):
        body = make_body()
    length = (b"content-length", str(len(body)).encode())
    headers = [pair for pair in entry.response.headers if pair[0] != b"content-length"]
    return Response(entry.response.status, [*headers, length], [body])


def _key(scope: MutableMapping[str, Any]) -> Key:
    client = scope.get("client") or ("",)
    headers = [pair for pair in scope["headers"] if pair[0] not in NO_PART_OF_THE_KEY]
    return scope["method"], scope["raw_path"], scope["query_string"], scope["scheme"], client[0], *headers


def _log(entry: _Entry, request_id: str, seconds: float) -> None:
    """Write the log line that django-structlog writes for other calls, with the same handlers and redaction."""
    REQUESTS.observe(seconds, entry.offer.route, "GET", "200")
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    event = {
        "method": "GET", "path": entry.path, "status": 200, "duration_ms": round(seconds * 1000, 2),
        "event": "request_finished", **entry.offer.log_context, "request_id": request_id, "logger": LOGGER.name,
        "level": "info", "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    LOGGER.handle(logging.LogRecord(LOGGER.name, logging.INFO, __file__, 0, event, (), None))
