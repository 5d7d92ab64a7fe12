"""`python -m foodfleet.serve --port 8000 --workers 2`: the production server, with every option of granian's."""

import os
import signal
import sys

from granian.cli import entrypoint

OPTIONS = [
    "--interface=asginl",
    "--no-ws",
    "--http1-buffer-size=65536",  # bytes: the longest request line with its headers
    "--respawn-failed-workers",
    "--workers-kill-timeout=25",  # seconds after SIGTERM; orchestrators commonly wait 30
]


def end_starting_workers() -> None:
    """Let SIGTERM end a worker until it is ready to end by itself.

    A worker inherits the main process's handler, which does nothing there: the main process would wait for it.
    """
    main = os.getpid()

    def set_default() -> None:
        if os.getppid() == main:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    os.register_at_fork(after_in_child=set_default)


if __name__ == "__main__":
    end_starting_workers()
    sys.argv[1:] = [*OPTIONS, *sys.argv[1:], "foodfleet.asgi:application"]
    entrypoint()
