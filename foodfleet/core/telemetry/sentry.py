"""Sentry: sends log lines of level error, with their exceptions, redacted as in the log.

Only processes with SENTRY_DSN import this module. Sentry's own integrations stay off: they would send requests, cookies
and local variables.
"""

import logging
import sys
from types import TracebackType
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import event_from_exception

import foodfleet
from foodfleet.core.logging import redact_secrets, redact_text

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
PRINTED = ("stdout", "stderr")  # what libraries print, line by line


def start() -> None:
    """Send errors to Sentry from now on."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=foodfleet.__version__,
        send_default_pii=False,
        before_send=redact,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
    )
    logging.getLogger().addHandler(ErrorHandler(logging.ERROR))


class ErrorHandler(logging.Handler):
    """Sends each log line of its level as an event."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name in PRINTED or record.name.startswith(("sentry_sdk", "opentelemetry")):
            return
        fields = dict(record.msg) if isinstance(record.msg, dict) else {"event": record.getMessage()}
        exception = _exc_info(fields.pop("exc_info", None) or record.exc_info)
        event: Event = {"level": "fatal" if record.levelno >= logging.CRITICAL else "error", "logger": record.name}
        if exception:
            described, _ = event_from_exception(exception, sentry_sdk.get_client().options)
            event["exception"] = described["exception"]
        event["message"] = str(fields.pop("event", ""))
        if request_id := fields.get("request_id"):
            event["tags"] = {"request_id": str(request_id)}
        event["extra"] = {name: value for name, value in fields.items() if not name.startswith("_")}
        sentry_sdk.capture_event(event)


def _exc_info(given: Any) -> ExcInfo | None:
    """Return the `exc_info` of a log call in its long form."""
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else sys.exc_info()[1]
    return (type(error), error, error.__traceback__) if given and error else None


def redact(event: Event, hint: Hint) -> Event:
    """Remove secrets as the log does, and all but the first line of an exception: databases quote the row below it."""
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = redact_text(str(exception.get("value") or "").partition("\n")[0])
    event["message"] = redact_text(str(event.get("message", "")))
    event["extra"] = dict(redact_secrets(None, "error", dict(event.get("extra", {}))))
    return event
