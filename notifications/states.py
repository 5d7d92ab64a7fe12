"""The states of a message and the moves between them; no other move is possible."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Channel(TextChoices):
    """How a message travels."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("Text")


class Priority(IntegerChoices):
    """Which message goes first; a higher lane never waits behind a lower one."""

    CODE = 0, _("Code")  # somebody sits before a page and waits for it
    TRANSACTIONAL = 1, _("Transactional")  # the answer to something that somebody did
    BULK = 2, _("Bulk")  # to many at once


class Guarantee(TextChoices):
    """What becomes of a message whose sender died between the provider's answer and our commit."""

    AT_MOST_ONCE = "at_most_once", _("At most once")  # failed, to be sent again by hand only
    AT_LEAST_ONCE = "at_least_once", _("At least once")  # sent again, so it may arrive twice


class Kind(TextChoices):
    """What a message is about; decides whether a person may switch it off."""

    SECURITY = "security", _("The safety of your account")  # always sent
    ACCOUNT = "account", _("Your account and your orders")
    MARKETING = "marketing", _("News and offers")


OPTIONAL_KINDS = (Kind.ACCOUNT, Kind.MARKETING)
EVERY_KIND = ""  # of a suppressed address: nothing is sent to it, of whatever kind


class EventType(TextChoices):
    """What happened to a message: a row each in its timeline. `Message.created_at` says when it was queued."""

    SENT = "sent", _("Taken by the provider")
    POSTPONED = "postponed", _("Not sent; tried again later")
    FAILED = "failed", _("Failed")
    UNCERTAIN = "uncertain", _("Outcome unknown: a sender died")
    RETRIED = "retried", _("Queued again by hand")
    CANCELLED = "cancelled", _("Cancelled")
    SUPPRESSED = "suppressed", _("Suppressed")
    DELIVERED = "delivered", _("Delivered")
    DELAYED = "delayed", _("Delayed on the recipient's side")
    BOUNCED = "bounced", _("Bounced")
    COMPLAINED = "complained", _("Marked as spam")
    REJECTED = "rejected", _("Rejected by the provider")


class Status(TextChoices):
    """Where a message stands."""

    QUEUED = "queued", _("Queued")  # written; waits for its time and a worker
    SENDING = "sending", _("Sending")  # a worker holds it, for as long as its lease
    SENT = "sent", _("Sent")  # the provider took it
    DELIVERED = "delivered", _("Delivered")  # the recipient's side took it
    FAILED = "failed", _("Failed")  # refused for good, tried too often, or perhaps sent and not to be sent twice
    BOUNCED = "bounced", _("Bounced")  # the recipient's side sent it back
    COMPLAINED = "complained", _("Complained")  # the recipient called it spam
    SUPPRESSED = "suppressed", _("Suppressed")  # not sent: the recipient does not want it or cannot get it
    CANCELLED = "cancelled", _("Cancelled")  # not sent: too late, or called back


MOVES: dict[Status, frozenset[Status]] = {
    # QUEUED and FAILED -> SENT: a sender that had been given up for dead reports after all that it sent.
    Status.QUEUED: frozenset({Status.SENDING, Status.SENT, Status.SUPPRESSED, Status.CANCELLED}),
    Status.SENDING: frozenset({Status.QUEUED, Status.SENT, Status.FAILED, Status.SUPPRESSED, Status.CANCELLED}),
    Status.SENT: frozenset({Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED, Status.FAILED}),
    Status.DELIVERED: frozenset({Status.COMPLAINED, Status.BOUNCED}),
    Status.FAILED: frozenset({Status.QUEUED, Status.SENT}),
    # A later complaint of another recipient; and an answer that was told before the delivery which it answers.
    Status.BOUNCED: frozenset({Status.COMPLAINED, Status.DELIVERED}),
    Status.COMPLAINED: frozenset(),
    Status.SUPPRESSED: frozenset(),
    Status.CANCELLED: frozenset(),
}


# Nothing more is done about a message of these by itself.
FINISHED = [state for state in Status if state not in {Status.QUEUED, Status.SENDING}]


def sources(target: Status) -> list[Status]:
    """The states from which a message may move to `target`."""
    return [state for state, targets in MOVES.items() if target in targets]


class SuppressionReason(TextChoices):
    """Why nothing is sent to an address any more."""

    BOUNCE = "bounce", _("The address does not exist (hard bounce)")
    COMPLAINT = "complaint", _("The recipient called a message spam")
    OPT_OUT = "opt_out", _("The recipient opted out")
    MANUAL = "manual", _("Entered by staff")


# What its recipient asked for: it is lifted by themselves, or for a reason that is kept.
ASKED_BY_RECIPIENT = (SuppressionReason.COMPLAINT, SuppressionReason.OPT_OUT)


class ReceiptState(TextChoices):
    """Where a report of a provider stands."""

    WAITING = "waiting", _("Waiting for its message")  # came before our own commit; tried again for a while
    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Ignored")  # about no message of ours, or nothing that we act on
