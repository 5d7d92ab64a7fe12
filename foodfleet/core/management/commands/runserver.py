"""Django's development server, with the time-outs of `make serve`."""

import sys
from typing import Any

from django.conf import settings
from django.core.servers.basehttp import WSGIServer
from whitenoise.runserver_nostatic.management.commands.runserver import Command as RunserverCommand

from foodfleet.core.logging import log_all_output


class BoundedServer(WSGIServer):
    """Closes a connection on which nothing arrives for BODY_TIMEOUT_SECONDS."""

    def get_request(self) -> Any:
        connection, address = super().get_request()
        connection.settimeout(settings.BODY_TIMEOUT_SECONDS)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), TimeoutError):
            super().handle_error(request, client_address)


class Command(RunserverCommand):
    """Django's runserver, with time-outs."""

    server_cls = BoundedServer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        log_all_output()  # before `super`, which chooses the streams that this command writes to
        super().__init__(*args, **kwargs)
