"""The states of a message and the moves between them; no other move is possible."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Channel(TextChoices):
    """How a message travels."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("Text")


class Status(TextChoices):
    """Where a message stands."""

    QUEUED = "queued", _("Queued")  # written; waits for its time and a worker
    SENDING = "sending", _("Sending")  # a worker holds it
    SENT = "sent", _("Sent")  # the provider took it
    DELIVERED = "delivered", _("Delivered")  # the recipient's side took it
    FAILED = "failed", _("Failed")  # refused for good, or tried too often
    BOUNCED = "bounced", _("Bounced")  # the recipient's side sent it back
    COMPLAINED = "complained", _("Complained")  # the recipient called it spam
    SUPPRESSED = "suppressed", _("Suppressed")  # not sent: the recipient is on the suppression list
    CANCELLED = "cancelled", _("Cancelled")  # not sent: too late, or called back


MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.SENDING, Status.SUPPRESSED, Status.CANCELLED}),
    Status.SENDING: frozenset({Status.QUEUED, Status.SENT, Status.FAILED, Status.SUPPRESSED, Status.CANCELLED}),
    Status.SENT: frozenset({Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED, Status.FAILED}),
    Status.DELIVERED: frozenset({Status.COMPLAINED, Status.BOUNCED}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.BOUNCED: frozenset(),
    Status.COMPLAINED: frozenset(),
    Status.SUPPRESSED: frozenset(),
    Status.CANCELLED: frozenset(),
}


def sources(target: Status) -> list[Status]:
    """The states from which a message may move to `target`."""
    return [state for state, targets in MOVES.items() if target in targets]
