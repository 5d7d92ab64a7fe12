"""Whether the database server answers, as far as this process knows."""

import socket
import struct
from time import monotonic

import structlog

logger = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.5  # after a failure, in which nobody tries to connect
LONGEST_TRY = 10.0  # seconds that one try to connect keeps the others waiting, if it never ends
PROBE_SECONDS = 1.0  # that a server has to answer, and after which it is asked again
SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # answered with one byte before anybody signs in


class Server:
    """Shared by all threads, so that one of them finds out for all that the server is away."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know nothing."""
        self._away_until = self._asked_at = 0.0
        self._is_in_doubt = False

    def may_connect(self) -> bool:
        """Whether to try: False for PAUSE_SECONDS after a failure, and while somebody else tries after that."""
        now = monotonic()
        if now < self._away_until:
            return False
        if self._is_in_doubt:
            self._away_until = now + LONGEST_TRY
        return True

    def found(self) -> None:
        """Somebody connected."""
        self._away_until, self._is_in_doubt = 0.0, False

    def lost(self, error: Exception) -> None:
        """Somebody could not connect, or got no answer."""
        if not self._is_in_doubt:
            logger.warning("database_unreachable", error=type(error).__name__)
        self._away_until, self._is_in_doubt = monotonic() + PAUSE_SECONDS, True

    def answers(self, host: str, port: int) -> bool:
        """Whether a server that is silent is still there; it is asked by one thread a second."""
        now = monotonic()
        if now < self._away_until:
            return False
        if now < self._asked_at + PROBE_SECONDS:
            return True
        self._asked_at = now
        try:
            _ask(host, port)
        except OSError as error:
            self.lost(error)
            return False
        return True


def _ask(host: str, port: int) -> None:
    """Raises OSError where no PostgreSQL answers."""
    family = socket.AF_UNIX if host.startswith("/") else socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(PROBE_SECONDS)
        probe.connect(f"{host}/.s.PGSQL.{port}" if family == socket.AF_UNIX else (host, port))
        probe.sendall(SSL_REQUEST)
        if not probe.recv(1):
            raise ConnectionError("no answer")


server = Server()
