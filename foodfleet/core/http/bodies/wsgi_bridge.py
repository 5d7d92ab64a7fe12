"""Run a WSGI application under an ASGI server, so that no worker thread ever waits for a client.

The event loop receives each body completely, within limits of size and time. Then a thread of a bounded pool runs the
application and makes the whole response. Then the event loop sends it, however slowly the client reads. Large bodies
and responses are stored in temporary files.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import structlog

from foodfleet.core.http.bodies.request_bodies import FAULT, IN_MEMORY, PIECE, WITHOUT_BODY, Application, BodyFault

logger = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
SLOWEST = 32 * 1024  # bytes of a body that extend its time limit by one second
MOST_INCOMPLETE = 256  # bodies that one process receives at a time
MOST_BUFFERED = 512 * 1024 * 1024  # bytes of all bodies of one process, in memory and on the disk
HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer"})


@dataclass(frozen=True)
class Response:
    """A complete response of the application. file: the content if it is too long for `pieces`."""

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    file: Any = None


@dataclass
class Body:
    """The part of a request's body that has arrived. fault: why it is not passed on."""

    content: Any = field(default_factory=lambda: SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
    received: int = 0
    fault: BodyFault | None = None
    is_read: bool = False  # completely: the connection can serve another request


class Repeats(Protocol):
    """A store of reusable responses; see `cached_responses`. environ: given in a thread, where `get` may block."""

    def get(self, scope: Message, environ: dict[str, Any] | None = None) -> Response | None: ...

    def keep(self, scope: Message, environ: dict[str, Any], response: Response) -> None: ...


class WSGIBridge:
    """An ASGI application that runs a WSGI one.

    threads: requests that one process handles at a time.
    own_threads: paths with separate threads, as (threads, paths), which neither wait for other calls nor delay them.
    body_seconds: time limit for a body, plus one second for each SLOWEST bytes of it.
    most: the maximum size of a body in bytes.
    responses: reusable responses, which the event loop sends from memory without a thread unless they may block.
    """

    def __init__(
        self,
        application: Application,
        *,
        threads: int,
        body_seconds: float,
        most: int,
        own_threads: Iterable[tuple[int, Iterable[str]]] = (),
        responses: Repeats | None = None,
    ) -> None:
        self._application, self._seconds, self._most = application, body_seconds, most
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        groups = ((ThreadPoolExecutor(size, thread_name_prefix="own"), paths) for size, paths in own_threads)
        self._own_pools = {path: pool for pool, paths in groups for path in paths}
        self._responses = responses
        self._incomplete = self._buffered = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        if self._responses and (response := self._responses.get(scope)):
            await _send(response, send)
            return
        environ = environ_of(scope)
        if _is_without_body(environ):
            await _send(await self._run(environ, scope if scope["method"] == "GET" else None), send)
            return
        body = Body()
        try:
            await self._receive(receive, body)
            environ |= {"wsgi.input": body.content, "CONTENT_LENGTH": "0" if body.fault else str(body.received)}
            if body.fault:
                environ[FAULT] = body.fault
            response = await self._run(environ)
        finally:
            self._buffered -= body.received
            body.content.close()
        await _send(response, send, closes=not body.is_read)

    async def _receive(self, receive: Receive, body: Body) -> None:
        """Read the body completely, or record its fault."""
        if self._incomplete >= MOST_INCOMPLETE:
            body.fault = BodyFault.OVERLOADED
            return
        self._incomplete += 1
        begin = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(begin + self._seconds) as limit:
                while not body.is_read and body.received <= 2 * self._most and body.fault != BodyFault.OVERLOADED:
                    message = await receive()
                    if message["type"] != "http.request":  # the client has disconnected
                        body.fault = BodyFault.CUT_OFF
                        break
                    self._store(message.get("body", b""), body)
                    body.is_read = not message.get("more_body", False)
                    limit.reschedule(begin + self._seconds + min(body.received, self._most) / SLOWEST)
        except TimeoutError:
            body.fault = body.fault or BodyFault.TIMEOUT
        finally:
            self._incomplete -= 1
        body.content.seek(0)

    def _store(self, piece: bytes, body: Body) -> None:
        """Store a piece. A body that is too long is read on for a while: a client that is sending reads no response."""
        body.received += len(piece)
        self._buffered += len(piece)
        if body.received > self._most:
            body.fault = BodyFault.TOO_LARGE
        elif self._buffered > MOST_BUFFERED:
            body.fault = BodyFault.OVERLOADED
        else:
            body.content.write(piece)

    async def _run(self, environ: dict[str, Any], repeatable: Message | None = None) -> Response:
        """Run the application in a thread and return its response when it is complete; the thread may continue.

        repeatable: the scope of a call whose response may be reused.
        """
        loop = asyncio.get_running_loop()
        completed: asyncio.Future[Response] = loop.create_future()

        def settle(response: Response | None, error: BaseException | None) -> None:
            if completed.done():
                return
            if error:
                completed.set_exception(error)
            elif response:
                completed.set_result(response)

        def complete(response: Response) -> None:
            if repeatable is not None and self._responses:
                self._responses.keep(repeatable, environ, response)
            loop.call_soon_threadsafe(settle, response, None)

        def work() -> None:
            try:
                known = None
                if repeatable is not None and self._responses:
                    known = self._responses.get(repeatable, environ)
                if known:
                    loop.call_soon_threadsafe(settle, known, None)
                else:
                    _respond(self._application, environ, complete)
            except BaseException as error:
                logger.exception("wsgi_application_failed")
                loop.call_soon_threadsafe(settle, None, error)

        self._own_pools.get(environ["PATH_INFO"], self._pool).submit(work)
        return await completed


def _respond(application: Application, environ: dict[str, Any], complete: Callable[[Response], object]) -> None:
    """Run the application, pass its complete response to `complete`, then close it."""
    started: list[Any] = []
    pieces: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        started[:] = [int(status[:3]), headers]
        return pieces.append

    result = application(environ, start_response)
    try:
        length, file = 0, None
        for piece in result:
            length += len(piece)
            pieces.append(piece)
            if length > IN_MEMORY:
                file = file or TemporaryFile()  # noqa: SIM115  closed when it is sent
                file.writelines(pieces)
                pieces = []
        if file:
            file.seek(0)
        complete(Response(started[0], _encoded(started[1]), pieces, file))
    finally:
        if hasattr(result, "close"):
            result.close()


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return [(name, value) for name, value in pairs if name not in HOP_BY_HOP]


async def _send(response: Response, send: Send, *, closes: bool = False) -> None:
    headers = [*response.headers, (b"connection", b"close")] if closes else response.headers
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.file:
        with response.file as file:
            while piece := file.read(PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"".join(response.pieces)})


def environ_of(scope: Message) -> dict[str, Any]:
    """Return the WSGI environ of an ASGI scope (PEP 3333), with an empty body.

    Headers with an underscore in their names are dropped: `X_Forwarded_For` would be taken for `X-Forwarded-For`.
    """
    server, client = scope.get("server") or ("localhost", "80"), scope.get("client") or ("", "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if key := _environ_key(name):
            text = value.decode("latin-1")
            separator = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text
    return environ


@lru_cache(maxsize=256)
def _environ_key(name: bytes) -> str:
    """Return the key in the environ for a header; '' if it is dropped."""
    if b"_" in name:
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def _is_without_body(environ: dict[str, Any]) -> bool:
    if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
        return environ.get("CONTENT_LENGTH") == "0"
    return environ["REQUEST_METHOD"] in WITHOUT_BODY
