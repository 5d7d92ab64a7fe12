"""Structured logs: one line of JSON or text for each event, with the request's id and without secrets."""

import io
import json
import logging
import re
import sys
import threading
from collections.abc import MutableMapping
from functools import lru_cache
from itertools import pairwise
from types import TracebackType
from typing import Any, NoReturn

import structlog
from django.conf import settings

REDACTED = "[redacted]"
SECRET_NAMES = re.compile(
    r"pass(word|wd|phrase)?|secret|token|authorization|cookie|credential|api_?key|private_?key|otp|challenge|"
    r"^(code|codes|backup_codes|access|refresh|link|links|digest|signature|session_?key|qr_code|context|payload|body)$",
    re.IGNORECASE,
)
HARMLESS_NAMES = {"token_type", "error_code", "end_reason"}
# Anonymous clients choose some logged values. Each pattern takes linear time: repetitions are possessive, and no
# match can begin inside of what another attempt has read.
DOTTED = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+)++")
JWT_LENGTHS = (8, 5)  # minimum characters of a JWT's header, which begins with eyJ, and of its claims
SECRET_VALUES = re.compile(
    r"(?<=/)[A-Za-z0-9_-]{32,}+(?=/|\?|\s|$)"  # a one-time token in the path of a link
    r"|(?<=[Bb]earer )\S++"
    r"|(?<=://)[^/\s:@]*+:[^/\s@]++(?=@)"  # user:password in a URL
)
PARAMETER = re.compile(r"([?&;])([\w-]++)=([^&\s#]*+)")
SECRET_PARAMETER = re.compile(r"token|password|secret|code|key|signature", re.IGNORECASE)
MAX_DEPTH = 6


def redact_secrets(logger: Any, method_name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values with secret names, and parts of texts that look like tokens. A structlog processor."""
    for key in list(event):
        event[key] = _redacted(key, event[key], 0)
    return event


def _redacted(name: str, value: Any, depth: int) -> Any:
    if isinstance(name, str) and _is_secret_name(name):
        return REDACTED if value not in (None, "", [], {}) else value
    if isinstance(value, str):
        return redact_text(value)
    if depth > MAX_DEPTH:
        return REDACTED
    if isinstance(value, dict):
        return {key: _redacted(key, item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted("", item, depth + 1) for item in value]
    return value


@lru_cache(maxsize=1024)  # few names, in every line
def _is_secret_name(name: str) -> bool:
    return name not in HARMLESS_NAMES and SECRET_NAMES.search(name) is not None


def redact_text(text: str) -> str:
    """Return `text` with tokens, secrets of links and passwords in URLs replaced.

    The substring tests are faster than the patterns, and most values need no pattern.
    """
    if "eyJ" in text:
        text = DOTTED.sub(_without_jwt, text)
    if "/" in text or "earer " in text:
        text = SECRET_VALUES.sub(REDACTED, text)
    return PARAMETER.sub(_without_secret_value, text) if "=" in text else text


def _without_jwt(found: re.Match[str]) -> str:
    """Return REDACTED if parts of this dotted word look like a JWT: `eyJ…` followed by another part."""
    parts = found[0].split(".")
    header, claims = JWT_LENGTHS
    for part, following in pairwise(parts):
        begin = part.find("eyJ")
        if begin >= 0 and len(part) - begin >= header and len(following) >= claims:
            return REDACTED
    return found[0]


def _without_secret_value(found: re.Match[str]) -> str:
    if SECRET_PARAMETER.search(found[2]) is None:
        return found[0]
    return f"{found[1]}{found[2]}={REDACTED}"


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]

# One list for the life of the process: a logger keeps the list that it was first used with, so that a second
# configuration (or structlog's `capture_logs`, which empties and fills the current list) would not reach it.
PROCESSORS: list[Any] = [
    structlog.stdlib.filter_by_level,
    *SHARED_PROCESSORS,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]

QUIET_LOGGERS: dict[str, Any] = {
    # Django writes its own line for each request and each 4xx: django-structlog's says more.
    "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
    "django.request": {"level": "CRITICAL"},
    "django.security.DisallowedHost": {"level": "CRITICAL"},
    "django.utils.autoreload": {"level": "WARNING"},
    "botocore": {"level": logging.WARNING},
    "urllib3": {"level": logging.WARNING},
    # django-structlog's lines on tasks say more than these.
    "celery.beat": {"level": "WARNING"},
    "celery.worker.strategy": {"level": "WARNING"},
    "celery.app.trace": {"level": "WARNING"},
    # Otherwise health checks and periodic tasks would be most of an idle installation's log.
    "django_structlog.middlewares.request": {"filters": ["not_a_probe"]},
    "django_structlog.celery.receivers": {"filters": ["not_periodic"]},
}
PROBES = ("/health/", "/metrics")


def is_not_a_probe(record: logging.LogRecord) -> bool:
    """Return False for a successful health check or scrape. A log filter."""
    path = record.msg.get("path", "") if isinstance(record.msg, dict) else ""
    return record.levelno > logging.INFO or not path.startswith(PROBES)


def is_not_periodic(record: logging.LogRecord) -> bool:
    """Return False for a successful task of beat, which logs its own changes. A log filter."""
    return record.levelno > logging.INFO or (isinstance(record.msg, dict) and bool(record.msg.get("request_id")))


class EventFormatter(structlog.stdlib.ProcessorFormatter):
    """structlog's formatter without its copy of the record for each event."""

    def format(self, record: logging.LogRecord) -> str:
        if not isinstance(record.msg, dict):  # logged by a library, without structlog
            return super().format(record)
        event: Any = dict(record.msg)
        _, *processors = self.processors  # the first removes what `super().format` adds
        for process in processors:
            event = process(None, record.levelname.lower(), event)
        return str(event)


def logging_config(*, level: str, output_format: str) -> dict[str, Any]:
    """Return the dictConfig that sends Django's, Celery's and our events through one chain to standard error.

    level: a name of the logging module; output_format: `json` or `console`.
    """
    structlog.configure(
        processors=PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": EventFormatter,
                "processors": _final_processors(output_format),
                "foreign_pre_chain": SHARED_PROCESSORS,
            }
        },
        "filters": {
            "not_a_probe": {"()": lambda: is_not_a_probe},
            "not_periodic": {"()": lambda: is_not_periodic},
        },
        "handlers": {
            # The original stream: `log_all_output` replaces sys.stderr.
            "stderr": {"class": "logging.StreamHandler", "formatter": "structlog", "stream": sys.stderr}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": QUIET_LOGGERS,
    }


_encoder = json.JSONEncoder(default=str)  # reused: `json.dumps` would make one for each line


def render_json(logger: Any, method_name: str, event: MutableMapping[str, Any]) -> str:
    """Return the event as one line of JSON. A structlog processor."""
    return _encoder.encode(event)


def _final_processors(output_format: str) -> list[Any]:
    formatter = structlog.stdlib.ProcessorFormatter
    renderer: Any = (
        render_json if output_format == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return [formatter.remove_processors_meta, structlog.processors.format_exc_info, redact_secrets, renderer]


class LoggedStream(io.TextIOBase):
    """A standard stream whose lines become events of the logger `stdout` or `stderr`."""

    def __init__(self, name: str, original: Any) -> None:
        logger = structlog.get_logger(name)
        self._log, self._original = (logger.error if name == "stderr" else logger.info), original
        self._state = threading.local()  # of each thread: its unfinished line, and whether it is logging one

    def writable(self) -> bool:
        return True

    @property
    def fileno(self) -> NoReturn:
        """Raise AttributeError: this stream has no descriptor.

        Celery's signal handlers, which use one if there is one, would raise the error of TextIOBase in whatever SIGTERM
        interrupted.
        """
        raise AttributeError("fileno")

    def write(self, text: str) -> int:
        if getattr(self._state, "is_logging", False):  # an error of logging itself
            return int(self._original.write(text))
        *lines, self._state.rest = (getattr(self._state, "rest", "") + text).split("\n")
        self._state.is_logging = True
        try:
            for line in filter(str.strip, lines):
                self._log(line.rstrip())
        finally:
            self._state.is_logging = False
        return len(text)

    def flush(self) -> None:
        if rest := getattr(self._state, "rest", ""):
            self.write("\n" if rest.strip() else "")


def log_all_output() -> None:
    """Log also the output of libraries, warnings, and exceptions that end this process or a thread.

    Only with LOG_FORMAT=json, so that each line of a service's process is a JSON object. Call it after logging is
    configured.
    """
    if settings.LOG_FORMAT != "json" or isinstance(sys.stderr, LoggedStream):
        return
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash
    threading.excepthook = lambda crash: _log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
    sys.stdout = sys.__stdout__ = LoggedStream("stdout", sys.stdout)  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = LoggedStream("stderr", sys.stderr)  # type: ignore[misc, assignment]


def _log_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, (KeyboardInterrupt, SystemExit)):
        structlog.get_logger("foodfleet").critical("crashed", exc_info=(kind, error, trace))
