"""What happens to a message that was written: it is sent once the transaction holds."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.dispatch import receiver

from foodfleet.core.http import after_response
from notifications import signals, tasks
from notifications.models import Message
from notifications.receivers.announcer import Announcer, Work
from notifications.services.delivery import in_process, notify
from notifications.states import Channel, Priority


class AfterCommit:
    """What one transaction queued; sent for once, after its commit, however many messages they are."""

    def __init__(self) -> None:
        self.__qualname__ = type(self).__qualname__  # Django names who failed by it
        self.lanes: set[Work] = set()
        self.messages: defaultdict[Channel, list[UUID]] = defaultdict(list)

    def __call__(self) -> None:
        # Not within the request: how long it takes would tell that something is sent, and so whom we know.
        after_response.run(self._send)

    def _send(self) -> None:
        if settings.CELERY_BROKER_URL:
            for channel, priority in sorted(self.lanes):
                if notify.may_call(channel, priority):
                    announcer.announce((channel, priority))
        else:
            in_process.deliver(self.messages)


@receiver(signals.message_queued)
def send_on_commit(message: Message, **kwargs: Any) -> None:
    """Deliver once the transaction holds: by a worker where there is a broker, else in this process.

    Within a request, once its answer has been given.
    """
    registered = _registered()
    after_commit = registered or AfterCommit()
    channel = Channel(message.channel)
    after_commit.lanes.add((channel, Priority(message.priority)))
    after_commit.messages[channel].append(message.pk)
    if registered is None:  # at once, where the row was a transaction of its own
        transaction.on_commit(after_commit, robust=True)  # a failure here is delivery's, not the request's


def _registered() -> AfterCommit | None:
    """The one of this transaction. A savepoint that rolls back takes it out of the list, and those who shared it."""
    waiting = (entry[1] for entry in transaction.get_connection().run_on_commit)
    return next((function for function in waiting if isinstance(function, AfterCommit)), None)


def _publish(work: Work) -> None:
    try:
        tasks.call(*work)
    except Exception:
        notify.answered(*work)
        raise


announcer = Announcer(_publish)
