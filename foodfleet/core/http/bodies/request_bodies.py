"""Receive each request body completely, within limits of size and time, before the application runs.

Authentication and permissions are checked afterwards, so that rights revoked while a body arrives have no effect.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
FAULT = "foodfleet.body_fault"  # key in the WSGI environ; MalformedRequestMiddleware returns the error
WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
IN_MEMORY = 1024 * 1024  # bytes; the rest of a longer body waits on the disk
PIECE = 64 * 1024


class BodyFault(StrEnum):
    """Why a body could not be read completely."""

    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    LENGTH_REQUIRED = "length_required"
    CUT_OFF = "cut_off"
    OVERLOADED = "overloaded"


class BufferedBodies:
    """WSGI middleware that passes on complete bodies with their length.

    For servers that read a body only when the application does. The module `wsgi_bridge` does the same without a
    waiting thread. most: the maximum size of a body in bytes.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        self._application, self._most = application, most

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _has_body(environ):
            return self._application(environ, start_response)
        body: Any = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  closed once the request is gone
        fault = self._read(environ, body)
        length = 0 if fault else body.tell()
        body.seek(0)
        environ = {**environ, "wsgi.input": body, "CONTENT_LENGTH": str(length)}
        if fault:
            environ[FAULT] = fault
        return self._application(environ, start_response)

    def _read(self, environ: dict[str, Any], body: Any) -> BodyFault | None:
        length = environ.get("CONTENT_LENGTH") or ""
        is_number = length.isascii() and length.isdigit() and len(length) < 20
        if not is_number and (length or not environ.get("wsgi.input_terminated")):
            return BodyFault.LENGTH_REQUIRED
        expected = int(length) if is_number else None
        wanted = self._most + 1 if expected is None else expected
        if wanted > self._most + 1:
            return BodyFault.TOO_LARGE
        try:
            while body.tell() < wanted and (piece := environ["wsgi.input"].read(min(PIECE, wanted - body.tell()))):
                body.write(piece)
        except OSError as error:
            return BodyFault.TIMEOUT if isinstance(error, TimeoutError) else BodyFault.CUT_OFF
        if body.tell() > self._most:
            return BodyFault.TOO_LARGE
        return BodyFault.CUT_OFF if expected is not None and body.tell() < expected else None


def _has_body(environ: dict[str, Any]) -> bool:
    if environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING"):
        return environ.get("CONTENT_LENGTH") != "0"
    return bool(environ.get("wsgi.input_terminated")) and environ.get("REQUEST_METHOD") not in WITHOUT_BODY
