"""A TCP proxy in front of a service, which can refuse, hang or slow down connections."""

import contextlib
import socket
import threading
import time
from enum import Enum


class Mode(Enum):
    PASS, REFUSE, HANG, SLOW = range(4)


class Proxy:
    """Forwards to `port`. In HANG it accepts and keeps connections, and passes nothing on; in REFUSE it has none."""

    DELAY = 0.3  # seconds that SLOW adds to everything that passes

    def __init__(self, port):
        self._target = port
        self._mode = Mode.PASS
        self._passing = threading.Event()
        self._passing.set()
        self._sockets = set()
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]

    def switch(self, mode):
        """What happens to bytes and connections from now on."""
        before, self._mode = self._mode, mode
        (self._passing.clear if mode == Mode.HANG else self._passing.set)()
        if mode == Mode.REFUSE:
            self.close()
        elif before == Mode.REFUSE:
            self._listener = self._listen(self.port)

    def close(self):
        """End the listener and every connection."""
        self._passing.set()
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._sockets.clear()

    def _listen(self, port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()
        return listener

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                self._sockets.add(client)
                threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client):
        self._passing.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        self._sockets.add(server)
        for source, target in [(client, server), (server, client)]:
            threading.Thread(target=self._forward, args=[source, target], daemon=True).start()

    def _forward(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._passing.wait()
                if self._mode == Mode.SLOW:
                    time.sleep(self.DELAY)
                target.sendall(data)
        for each in (source, target):
            self._sockets.discard(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
