"""What tests need to know of leases."""

import contextlib
import threading
import time
from unittest import mock

from redis.connection import AbstractConnection

from foodfleet.core.cache import lease


def wait_for_lease():
    """Return when this process holds one."""
    lease.ensure_started()
    deadline = time.monotonic() + 20
    while lease.own.until < lease.clock():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextlib.contextmanager
def no_round_trips():
    """Nothing is sent to Redis by this thread."""
    here, sent, send = threading.get_ident(), [], AbstractConnection.send_packed_command

    def counted(self, *arguments, **how):
        if threading.get_ident() == here:
            sent.append(arguments)
        return send(self, *arguments, **how)

    with mock.patch.object(AbstractConnection, "send_packed_command", counted):
        yield
    assert sent == []
