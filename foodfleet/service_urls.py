"""Validate URLs of services, so that an invalid one is found at the start and not when the service is first used."""

import re
from collections.abc import Callable
from enum import Enum, auto
from urllib.parse import SplitResult, unquote, urlsplit


class Form(Enum):
    """The forms of URLs in settings."""

    WEB = auto()
    DATABASE = auto()
    REDIS = auto()
    SOCKET = auto()
    SERVER = auto()
    MAIL_SERVER = auto()
    FILE = auto()
    FOLDER = auto()
    BUCKET = auto()
    BARE = auto()


ENCODED = "(special characters of user and password percent-encoded, such as %23 for #)"
MEANT = {  # the description of valid values in errors
    Form.WEB: "{scheme}://host or {scheme}://host:port, with a port from 1 to 65535",
    Form.DATABASE: "sqlite:///path/of.sqlite3 or postgres://user:password@host:5432/name " + ENCODED,
    Form.REDIS: "{scheme}://user:password@host:6379/0 with the number of a database at its end " + ENCODED,
    Form.SOCKET: "{scheme}:///path/of/redis.sock",
    Form.SERVER: "{scheme}://user:password@host:5672/vhost " + ENCODED,
    Form.MAIL_SERVER: "{scheme}://user:password@host:587, without path and options " + ENCODED,
    Form.FILE: "sqlite:///path/of.sqlite3 or postgres://user:password@host:5432/name " + ENCODED,
    Form.FOLDER: "{scheme}:///folder",
    Form.BUCKET: "{scheme}://bucket or {scheme}://bucket/prefix",
    Form.BARE: "{scheme}:// and nothing more",
}


WEB_FORMS = dict.fromkeys(("http", "https"), Form.WEB)
DATABASE_FORMS = {"sqlite": Form.FILE, "postgres": Form.DATABASE, "postgresql": Form.DATABASE}
REDIS_FORMS = {"redis": Form.REDIS, "rediss": Form.REDIS, "unix": Form.SOCKET}
BROKER_FORMS = {
    **dict.fromkeys(("redis", "rediss"), Form.REDIS),
    **dict.fromkeys(("amqp", "amqps"), Form.SERVER),
    "sqs": Form.BARE,
}
EMAIL_FORMS = {
    **dict.fromkeys(("consolemail", "amazonses", "memorymail"), Form.BARE),
    **dict.fromkeys(("smtp", "smtps", "smtp+tls"), Form.MAIL_SERVER),
    "filemail": Form.FOLDER,
}
FILE_FORMS = {"database": Form.BARE, "file": Form.FOLDER, "s3": Form.BUCKET}
SMS_FORMS = {"console": Form.BARE, "sns": Form.BARE, "file": Form.FOLDER}


def is_url(value: str, form: Form) -> bool:
    """Return whether `value` is a URL of that form. The caller has checked its scheme."""
    if re.search(r"[\s#\x00-\x1f\x7f]", value):
        return False
    if form == Form.FILE and value.endswith("://:memory:"):
        return True
    try:
        parts = urlsplit(value)
        has_port = parts.port != 0
    except ValueError:
        return False
    return has_port and IS_FORM[form](parts, unquote(parts.path))


def _has_host(parts: SplitResult) -> bool:
    return re.fullmatch(r"[\w.,%-]+|[0-9a-f:.]+", parts.hostname or "") is not None


def _is_local(parts: SplitResult, path: str) -> bool:
    return not parts.netloc and path.strip("/") != ""


IS_FORM: dict[Form, Callable[[SplitResult, str], bool]] = {
    Form.WEB: lambda parts, _path: _has_host(parts),
    Form.DATABASE: lambda parts, path: (
        (_has_host(parts) or not parts.netloc) and re.fullmatch(r"/[^/]+", path) is not None
    ),
    Form.REDIS: lambda parts, path: _has_host(parts) and re.fullmatch(r"(/[0-9]*)?", path) is not None,
    Form.SOCKET: _is_local,
    Form.SERVER: lambda parts, _path: _has_host(parts),
    Form.MAIL_SERVER: lambda parts, path: _has_host(parts) and path in {"", "/"} and not parts.query,
    Form.FILE: lambda parts, path: _is_local(parts, path) and not parts.query,
    Form.FOLDER: _is_local,
    Form.BUCKET: lambda parts, _path: re.fullmatch(r"[a-z0-9.-]{3,63}", parts.netloc) is not None and not parts.query,
    Form.BARE: lambda parts, path: not (parts.netloc or path or parts.query),
}
