"""The checks of `manage.py doctor` for notifications: delivery, workers, and Amazon's account."""

import smtplib
from collections.abc import Callable, Iterator
from email.utils import parseaddr
from typing import TypeVar

from celery import Celery
from django.conf import settings
from django.core.mail import get_connection
from kombu.exceptions import KombuError

from foodfleet.core import heartbeats
from foodfleet.core.doctor.checks import missing_partitions
from foodfleet.core.doctor.registry import Problem, register
from foodfleet.core.http import health
from notifications.exceptions import DeliveryError, MisconfiguredDeliveryError, TemporaryDeliveryError
from notifications.gateways import amazon, ses, sns
from notifications.services.delivery import liveness
from notifications.services.operations import retention

T = TypeVar("T")
QUEUES = frozenset({"codes", "transactional", "bulk", "sms", "webhooks", "default"})
LATE_AFTER = 300  # seconds
ALMOST_USED_UP = 0.8  # of Amazon's limit
SANDBOX_A_DAY = 200.0  # Amazon's limit of e-mails in 24 hours for accounts in the sandbox
INSPECT_SECONDS = 2.0  # for the responses of workers
CORRECT_ACCESS = "Check the credentials that boto3 finds, AWS_REGION and the policy in docs/deploy.md."


@register(needs_database=True)
def delivery() -> Iterator[Problem]:
    """Check that a process looks for due messages, and that none is late."""
    silence = heartbeats.last_seen(liveness.NAME)
    if silence is None or silence.total_seconds() >= liveness.LATE_AFTER:
        since = "yet" if silence is None else f"for {silence.total_seconds():.0f} seconds"
        who = "make beat and make worker" if settings.CELERY_BROKER_URL else "make serve, or deliver_due --watch,"
        yield Problem(f"Nobody has looked for due messages {since}.", f"Check that {who} run; their logs say why not.")
    late = liveness.oldest_due()
    if late > LATE_AFTER:
        yield Problem(
            f"A message has been due for {late} seconds.",
            "Look for delivery_misconfigured in the log of workers, and at the provider's rate (docs/deploy.md).",
        )


@register(needs_database=True)
def message_partitions() -> Iterator[Problem]:
    """Check that PostgreSQL has partitions for messages, and what belongs to them, of this month and the next."""
    yield from missing_partitions(*retention.BY_MONTH, command="forget_messages")


@register()
def workers() -> Iterator[Problem]:
    """Check that each queue has a worker. Not for Amazon SQS, which cannot tell."""
    if not settings.CELERY_BROKER_URL or settings.CELERY_BROKER_URL.startswith("sqs"):
        return
    if health.broker_state() == health.DOWN:
        return  # another check reports it
    with Celery(broker=settings.CELERY_BROKER_URL, set_as_current=False) as app:
        app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
        try:
            queues = app.control.inspect(timeout=INSPECT_SECONDS).active_queues() or {}
        except (KombuError, OSError):
            queues = {}
    missing = QUEUES - {queue["name"] for served in queues.values() for queue in served}
    if missing == QUEUES:
        yield Problem("No Celery worker answers.", "Run make worker.")
    elif missing:
        yield Problem(
            f"No worker serves the queues {', '.join(sorted(missing))}.", "Start workers as make worker does."
        )


@register()
def email() -> Iterator[Problem]:
    """Check that e-mails can be sent: the sender, and the mail server or Amazon SES."""
    scheme = settings.EMAIL_URL.partition("://")[0].lower()
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    if scheme == "consolemail" and not settings.DEBUG:
        yield Problem("E-mails are printed, not sent.", "Set EMAIL_URL, such as amazonses://.")
    if sender.endswith(("@foodfleet.example", "@localhost")) and not settings.DEBUG:
        yield Problem(f"E-mails come from {sender}, which is not yours.", "Set DEFAULT_FROM_EMAIL or PUBLIC_URL.")
    if scheme.startswith("smtp"):
        yield from _mail_server()
    if scheme == "amazonses":
        yield from _asked(lambda: _about_quota(ses.send_quota()), "ses:GetSendQuota")
        yield from _asked(lambda: _about_sender(sender, ses.is_verified(sender)))


def _mail_server() -> Iterator[Problem]:
    try:
        with get_connection():
            pass
    except (OSError, smtplib.SMTPException) as error:
        yield Problem(f"The mail server refuses us: {error}", "Correct EMAIL_URL.")


def _asked(ask: Callable[[], Iterator[Problem]], right: str = "") -> Iterator[Problem]:
    """Yield the problems that Amazon's response shows. right: a permission to report if it is missing, or ''."""
    try:
        yield from ask()
    except MisconfiguredDeliveryError as error:
        if error.code not in amazon.DENIED_CODES:
            yield Problem(str(error), CORRECT_ACCESS)
        elif right and not settings.EMAIL_MAX_PER_SECOND:
            yield Problem(
                f"The right {right} is missing, so 14 e-mails a second are assumed.",
                "Grant it, or set EMAIL_MAX_PER_SECOND to the rate that Amazon gives you.",
            )
    except TemporaryDeliveryError as error:
        yield Problem(str(error), "Check the network, AWS_REGION and AWS_ENDPOINT_URL; Amazon itself may be down.")
    except DeliveryError as error:
        yield Problem(str(error), CORRECT_ACCESS)


def _about_quota(quota: dict[str, float]) -> Iterator[Problem]:
    most, sent = quota["Max24HourSend"], quota["SentLast24Hours"]
    if 0 < most <= SANDBOX_A_DAY:
        yield Problem(
            f"Amazon SES is in its sandbox: {most:.0f} e-mails a day, and only to addresses that you verified.",
            "Ask for production access in the console of SES.",
        )
    if most > 0 and sent >= ALMOST_USED_UP * most:
        yield Problem(
            f"{sent:.0f} of the {most:.0f} e-mails that Amazon lets you send in 24 hours are sent.",
            "Ask for more in the console of SES.",
        )


def _about_sender(sender: str, is_verified: bool) -> Iterator[Problem]:
    if not is_verified:
        yield Problem(
            f"Amazon SES has not verified {sender} or its domain; e-mails wait, and are given up after a day.",
            f"Verify it in the console of SES in {settings.AWS_REGION}, or correct DEFAULT_FROM_EMAIL.",
        )


@register()
def sms() -> Iterator[Problem]:
    """Check that SMS can be sent: Amazon SNS's sandbox and its spending limit."""
    if settings.SMS_URL.startswith("console") and not settings.DEBUG:
        yield Problem("SMS are printed, not sent.", "Set SMS_URL, such as sns://.")
    if settings.SMS_URL.startswith("sns"):
        yield from _asked(lambda: _about_sms(sns.is_in_sandbox()))
        yield from _asked(lambda: _about_limit(sns.monthly_limit()))


def _about_sms(is_in_sandbox: bool) -> Iterator[Problem]:
    if is_in_sandbox:
        yield Problem(
            "Amazon SNS is in its SMS sandbox: SMS reach only numbers that you verified.",
            "Leave it in the console of SNS, under text messaging.",
        )


def _about_limit(dollars: float) -> Iterator[Problem]:
    if dollars <= sns.DEFAULT_MONTHLY_LIMIT:
        yield Problem(
            f"Amazon SNS stops sending SMS when {dollars:g} US dollars are spent in a month.",
            "Ask for a higher spending limit in the console of Service Quotas, then set it in that of SNS.",
        )
