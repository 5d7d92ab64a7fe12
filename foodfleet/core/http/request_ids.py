"""The id that follows one request through logs, errors, tasks and the client's own records."""

import re
import uuid
from typing import Any

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADER = "X-Request-ID"
META_KEY = "HTTP_X_REQUEST_ID"


def accept_or_make(incoming: str | None) -> str:
    """Keep a well-formed id that came in; replace anything else by a new one."""
    if incoming and WELL_FORMED.fullmatch(incoming):
        return incoming
    return str(uuid.uuid4())


def request_id_of(request: Any) -> str:
    """The id of a Django or REST framework request; made now where the middleware was not reached."""
    return getattr(request, "request_id", None) or accept_or_make(None)
