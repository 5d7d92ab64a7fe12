"""The id of a request in logs, errors and tasks."""

import re
import uuid
from typing import Any

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADER = "X-Request-ID"
META_KEY = "HTTP_X_REQUEST_ID"


def accept_or_make(incoming: str | None) -> str:
    """Return a well-formed incoming id, or else a new one."""
    if incoming and WELL_FORMED.fullmatch(incoming):
        return incoming
    return str(uuid.uuid4())


def request_id_of(request: Any) -> str:
    """Return the id of a Django or REST framework request, or a new one if the middleware has not run."""
    return getattr(request, "request_id", None) or accept_or_make(None)
