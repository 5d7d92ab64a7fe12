"""A circuit breaker for the database server, shared by all threads of the process."""

import socket
import struct
from time import monotonic

import structlog

logger = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.5  # after a failure, during which no thread tries to connect
LONGEST_TRY = 10.0  # seconds for which a try to connect that hangs keeps other threads from trying
PROBE_SECONDS = 1.0  # the time-out of a probe, and the interval of probes
SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # answered with one byte before anybody signs in


class Server:
    """The state of the server, which one thread finds out for all."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Reset the state."""
        self._open_until = self._probed_at = 0.0
        self._is_half_open = False

    def may_connect(self) -> bool:
        """Return whether to try: False for PAUSE_SECONDS after a failure, then while one other thread tries."""
        now = monotonic()
        if now < self._open_until:
            return False
        if self._is_half_open:
            self._open_until = now + LONGEST_TRY
        return True

    def found(self) -> None:
        """Record a successful connection."""
        self._open_until, self._is_half_open = 0.0, False

    def lost(self, error: Exception) -> None:
        """Record a failed connection or a missing response."""
        if not self._is_half_open:
            logger.warning("database_unreachable", error=type(error).__name__)
        self._open_until, self._is_half_open = monotonic() + PAUSE_SECONDS, True

    def answers(self, host: str, port: int) -> bool:
        """Return whether a silent server still responds; one thread probes it once a second."""
        now = monotonic()
        if now < self._open_until:
            return False
        if now < self._probed_at + PROBE_SECONDS:
            return True
        self._probed_at = now
        try:
            _probe(host, port)
        except OSError as error:
            self.lost(error)
            return False
        return True


def _probe(host: str, port: int) -> None:
    """Raise OSError if no PostgreSQL server responds."""
    family = socket.AF_UNIX if host.startswith("/") else socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(PROBE_SECONDS)
        probe.connect(f"{host}/.s.PGSQL.{port}" if family == socket.AF_UNIX else (host, port))
        probe.sendall(SSL_REQUEST)
        if not probe.recv(1):
            raise ConnectionError("no answer")


server = Server()
