"""Bodies whose length nobody tells: sent in chunks (RFC 9112, 7.1), or over HTTP/2 without Content-Length."""

from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
IN_MEMORY = 1024 * 1024  # bytes; the rest of a longer body waits on the disk
PIECE = 64 * 1024


class MeasuredBodies:
    """A WSGI application behind which each body has its length: Django takes one without for empty.

    most: bytes after which no more is read; whoever takes so long a body must be told that it is too long. Where the
    server does not say that the body ends by itself, nothing is read: `foodfleet.core.middleware` answers 411.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        self._application, self._most = application, most

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_untold = not environ.get("CONTENT_LENGTH") and environ.get("REQUEST_METHOD") not in WITHOUT_BODY
        if not (is_untold and environ.get("wsgi.input_terminated")):
            return self._application(environ, start_response)
        body = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  closed by Python once the request is gone
        length = 0
        while length <= self._most and (piece := environ["wsgi.input"].read(PIECE)):
            length += body.write(piece)
        body.seek(0)
        return self._application({**environ, "wsgi.input": body, "CONTENT_LENGTH": str(length)}, start_response)
