"""Celery tasks. Each may be lost or run twice without harm, because the state is in the database."""

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from notifications.services.delivery import liveness, notify
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.feedback import outcomes, sms_log
from notifications.services.operations import retention, statistics
from notifications.states import Channel, Priority

# Separate queues, so that SMS do not wait for worker processes that send e-mails, nor e-mails for webhooks.
CHANNEL_QUEUES = {Channel.SMS: "sms", Channel.WEBHOOK: "webhooks"}
QUEUES = {Priority.CODE: "codes", Priority.TRANSACTIONAL: "transactional", Priority.BULK: "bulk"}
SCHEDULED_WITHIN = 30  # seconds; the sweep finds messages that are due later
DISPATCH_SECONDS = 5.0  # other tasks of the same worker, and its shutdown, wait at most so long
TASK_EXPIRES_AFTER = 60.0  # seconds; by then the sweep has published another


def notify_worker(channel: Channel, priority: Priority, countdown: float = 0) -> None:
    """Publish a task that sends due messages. Raises OSError if the broker is unreachable."""
    try:
        dispatch.apply_async(
            args=[int(priority), channel.value],
            queue=CHANNEL_QUEUES.get(channel, QUEUES[priority]),
            countdown=countdown or None,
            expires=countdown + TASK_EXPIRES_AFTER,
        )
    except OperationalError as error:  # of kombu, for every kind of broker
        raise ConnectionError(str(error)) from error


@shared_task(name="notifications.dispatch")
def dispatch(priority: int, channel_name: str) -> None:
    """Send due messages of a channel down to this priority; publish a task for remaining ones, or ones due soon."""
    lowest, channel = Priority(priority), Channel(channel_name)
    notify.clear(channel, lowest)
    if notify.should_sweep():  # the task `sweep` may wait behind dispatches
        delivery_sweep.sweep()
    result = Dispatcher(Limits(channel, lowest, seconds=DISPATCH_SECONDS)).run()
    if result.is_more:
        notify_worker(channel, lowest)
    elif (due_at := delivery_sweep.next_due(channel, lowest)) is not None:
        pause = max((due_at - timezone.now()).total_seconds(), 0.1)
        if pause <= SCHEDULED_WITHIN and notify.should_notify_later(channel, lowest, pause):
            notify_worker(channel, lowest, pause)


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Recover abandoned messages, and notify workers of due messages."""
    liveness.record_heartbeat()
    for channel, priority in delivery_sweep.sweep().due:
        notify_worker(channel, priority)


@shared_task(name="notifications.apply_waiting_reports")
def apply_waiting_reports() -> None:
    """Apply reports of providers that arrived before the outcome was committed."""
    outcomes.apply_waiting()


@shared_task(name="notifications.read_sms_log")
def read_sms_log() -> None:
    """Read the delivery status of SMS from CloudWatch."""
    sms_log.read()


@shared_task(name="notifications.forget")
def forget() -> None:
    """Reduce and remove old messages."""
    retention.forget()


@shared_task(name="notifications.count_messages")
def count_messages() -> None:
    """Count messages for the home page of the admin."""
    statistics.count_messages()
