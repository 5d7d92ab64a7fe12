"""Sentry gets what is logged as an error, and no secret."""

import os
from contextlib import closing

import pytest

from foodfleet import __version__
from foodfleet.tests import processes
from foodfleet.tests.collector import Collector

pytestmark = pytest.mark.once
FAIL = """
import logging
import structlog
from django.db import IntegrityError
log = structlog.get_logger("trucks")
log.warning("not_an_error")
structlog.contextvars.bind_contextvars(request_id="find-me-again")
def fail(password):
    raise IntegrityError("duplicate key at /reset/hunter2-secret-hunter2-secret-hunter2/\\nDETAIL: Key (email)=(ann@example.com)")
try:
    fail("hunter2-secret")
except IntegrityError:
    log.exception("truck_lost", token="hunter2-secret", truck=7)
logging.getLogger("library").error("broken: postgres://me:hunter2-secret@host/x")
import sentry_sdk
sentry_sdk.flush()
"""


def test_sentry_gets_each_error_redacted_with_request_id_and_release():
    with closing(Collector()) as collector:
        processes.manage("shell", "-v", "0", "-c", FAIL, DATABASE_URL="sqlite://:memory:", **collector.variables)
        lost, broken = collector.events()
        text = collector.text()
    assert (lost["message"], lost["level"], lost["release"]) == ("truck_lost", "error", __version__)
    assert lost["tags"] == {"request_id": "find-me-again"}
    assert lost["extra"]["truck"] == 7
    (exception,) = lost["exception"]["values"]
    assert exception["type"] == "IntegrityError"
    assert exception["value"] == "duplicate key at /reset/[redacted]/"
    assert exception["stacktrace"]["frames"][-1]["function"] == "fail"
    assert broken["logger"] == "library"
    assert [
        secret for secret in ("hunter2-secret", "ann@example.com", os.environ["SECRET_KEY"]) if secret in text
    ] == []
