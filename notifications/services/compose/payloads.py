"""The content of a message between being written and being sent: compressed and encrypted."""

import json
import zlib
from base64 import b64decode, b64encode
from typing import Any

from foodfleet.core import crypto

PURPOSE = "message"
FASTEST = 1  # zlib's level: a mail shrinks to a third, the higher ones gain little and cost the request time


def seal(content: dict[str, Any]) -> str:
    """What goes into Message.payload."""
    packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), FASTEST)
    return crypto.encrypt(b64encode(packed).decode(), purpose=PURPOSE)


def unseal(payload: str) -> dict[str, Any]:
    """What `seal` was given. Raises foodfleet.core.crypto.DecryptionError."""
    packed = b64decode(crypto.decrypt(payload, purpose=PURPOSE))
    content: dict[str, Any] = json.loads(zlib.decompress(packed))
    return content
