"""Start delivery of queued messages after the commit of their transaction."""

import threading
from collections import defaultdict, deque
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.dispatch import receiver

from foodfleet.core.http import after_response
from notifications import signals
from notifications.models import Message
from notifications.receivers.worker_notifier import Queue, WorkerNotifier
from notifications.services.delivery import in_process, notify
from notifications.states import Channel, Priority


class Pending(threading.local):
    """Messages that this thread has queued and whose delivery has not started. Rolled back ones do no harm."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove all entries."""
        self.queues: set[Queue] = set()
        self.messages: dict[Channel, deque[UUID]] = defaultdict(partial(deque, maxlen=in_process.MOST_AT_ONCE))


pending = Pending()


@receiver(signals.message_queued)
def send_on_commit(message: Message, **kwargs: Any) -> None:
    """Deliver after the commit: by a worker if there is a broker, otherwise in this process after the response."""
    channel = Channel(message.channel)
    pending.queues.add((channel, Priority(message.priority)))
    pending.messages[channel].append(message.pk)
    transaction.on_commit(deliver_pending, robust=True)  # a failure must not reach the request


def deliver_pending() -> None:
    """Start delivery for all messages of the transaction. Each message registers this function; the first call does it.

    Delivery runs after the response, whose duration must not reveal whether a message is sent.
    """
    queues, messages = sorted(pending.queues), dict(pending.messages)
    pending.clear()
    if not queues:
        return
    if settings.CELERY_BROKER_URL:
        after_response.run(partial(_notify_workers, queues))
    else:
        after_response.run(partial(in_process.deliver, messages))


def _notify_workers(queues: list[Queue]) -> None:
    for channel, priority in queues:
        if notify.should_notify(channel, priority):
            notifier.notify((channel, priority))


def _publish(queue: Queue) -> None:
    from notifications import tasks  # Celery: only with a broker

    try:
        tasks.notify_worker(*queue)
    except Exception:
        notify.clear(*queue)
        raise


notifier = WorkerNotifier(_publish)
