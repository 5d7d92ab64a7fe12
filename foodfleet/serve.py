"""`python -m foodfleet.serve --port 8000 --workers 2`: the production server, with all options of granian.

The application is loaded once, before granian forks its workers, so that they start fast and share its memory.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.urls import reverse
from django.utils.module_loading import import_string
from granian.cli import entrypoint

from foodfleet.core.http.clients import describe_user_agent
from foodfleet.core.logging import log_all_output

APPLICATION = "foodfleet.asgi:application"
OPTIONS = [
    "--interface=asginl",
    "--no-ws",
    "--http1-buffer-size=65536",  # bytes: the longest request line with its headers
    "--respawn-failed-workers",
    f"--log-config={Path(__file__).with_name('granian.json')}",  # its lines go through settings.LOGGING
    "--workers-kill-timeout=25",  # seconds after SIGTERM; orchestrators commonly wait 30
]


def load_application() -> None:
    """Collect static files if they changed, then load the application completely."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")
    django.setup()
    call_command("collectstatic", if_changed=True, interactive=False, verbosity=0)
    import_string(APPLICATION.replace(":", "."))  # after collectstatic: its middleware lists the static files
    reverse("login")  # imports all URL patterns and views
    describe_user_agent("any")  # builds the patterns of all browsers, 26 MB, which each worker would build by itself
    connections.close_all()  # processes must not share a connection
    if threading.active_count() > 1:
        raise RuntimeError(f"A fork would end these threads: {threading.enumerate()}")
    gc.collect()
    gc.freeze()  # otherwise a collection would write to the shared memory pages, and so copy them


def prepare_workers() -> None:
    """Let SIGTERM end a worker that has not installed its own handler yet, and have workers write metrics.

    Otherwise a worker inherits the main process's handler, which does nothing in it, and the main process would wait.
    """
    from foodfleet.core.metrics.counters import writer  # noqa: PLC0415  has a model: after the set-up

    main = os.getpid()

    def begin() -> None:
        if os.getppid() == main:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            writer.start()

    os.register_at_fork(after_in_child=begin)


def main() -> None:
    """Serve until a signal."""
    load_application()
    log_all_output()
    prepare_workers()
    multiprocessing.set_start_method("fork")
    defaults = [f"--port={settings.PORT}", f"--workers={settings.WEB_CONCURRENCY}"]
    sys.argv[1:] = [*OPTIONS, *defaults, *sys.argv[1:], APPLICATION]
    entrypoint()


if __name__ == "__main__":
    main()
