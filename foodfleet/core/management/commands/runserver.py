"""Django's development server, which waits for a client no longer than `make serve` does."""

import sys
from typing import Any

from django.conf import settings
from django.core.servers.basehttp import WSGIServer
from whitenoise.runserver_nostatic.management.commands.runserver import Command as RunserverCommand

from foodfleet.core.logging import log_all_output


class BoundedServer(WSGIServer):
    """Gives up a connection on which nothing arrives for BODY_TIMEOUT_SECONDS."""

    def get_request(self) -> Any:
        connection, address = super().get_request()
        connection.settimeout(settings.BODY_TIMEOUT_SECONDS)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), TimeoutError):
            super().handle_error(request, client_address)


class Command(RunserverCommand):
    """Django's own, with time-outs."""

    server_cls = BoundedServer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        log_all_output()  # now: what this class prints to is chosen next
        super().__init__(*args, **kwargs)
