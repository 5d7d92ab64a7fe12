"""What workers do: a line or two each, which call a service. Every task may be lost or come twice without harm."""

from celery import shared_task
from django.utils import timezone

from notifications.services.delivery import liveness, notify
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Drain
from notifications.services.delivery.priority_queue import Limits
from notifications.services.feedback import outcomes, sms_log
from notifications.services.operations import retention
from notifications.states import Channel, Priority

SMS_QUEUE = "sms"  # of its own, so that no text waits until a worker process is free of mails
QUEUES = {Priority.CODE: "codes", Priority.TRANSACTIONAL: "transactional", Priority.BULK: "bulk"}
SOON = 30  # seconds: beat sees to what is due later
ONE_DRAIN = 5.0  # seconds; other tasks of the same worker wait for no longer, and neither does its end
CALL_IS_OLD = 60.0  # seconds after which a call need not be answered: the sweep has called again


def call(channel: Channel, lane: Priority, countdown: float = 0) -> None:
    """Have a worker send what is due. Raises kombu's OperationalError or OSError where there is no broker."""
    drain.apply_async(
        args=[int(lane), channel.value],
        queue=SMS_QUEUE if channel == Channel.SMS else QUEUES[lane],
        countdown=countdown or None,
        expires=countdown + CALL_IS_OLD,
    )


@shared_task(name="notifications.drain")
def drain(lane: int, channel: str = Channel.EMAIL.value) -> None:
    """Send what is due in a channel down to this priority; call again for what is left or due soon."""
    lowest, of = Priority(lane), Channel(channel)
    notify.answered(of, lowest)
    if notify.may_sweep():  # while all workers drain, the task of that name waits behind them
        delivery_sweep.sweep()
    result = Drain(Limits(of, lowest, seconds=ONE_DRAIN)).run()
    if result.is_more:
        call(of, lowest)
    elif (due_at := delivery_sweep.next_due(of, lowest)) is not None:
        pause = max((due_at - timezone.now()).total_seconds(), 0.1)
        if pause <= SOON and notify.may_call_later(of, lowest, pause):
            call(of, lowest, pause)


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Look for what was left behind, and call workers to all that is due."""
    liveness.seen()
    for channel, lane in delivery_sweep.sweep().due:
        call(channel, lane)


@shared_task(name="notifications.apply_waiting_reports")
def apply_waiting_reports() -> None:
    """Try again the reports of providers that came before our own commit."""
    outcomes.apply_waiting()


@shared_task(name="notifications.read_text_log")
def read_text_log() -> None:
    """Learn what became of texts."""
    sms_log.read()


@shared_task(name="notifications.forget")
def forget() -> None:
    """Reduce and remove what is old."""
    retention.forget()
