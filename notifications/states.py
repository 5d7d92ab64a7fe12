"""The statuses of a message and the allowed transitions between them."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foodfleet.modules import events


class Channel(TextChoices):
    """The channel of a message."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    WEBHOOK = "webhook", _("Webhook")


TO_PEOPLE = (Channel.EMAIL, Channel.SMS)
TO_PEOPLE_CHOICES = [(channel.value, channel.label) for channel in TO_PEOPLE]


class Priority(IntegerChoices):
    """The priority queues: a message never waits for one of a lower priority."""

    CODE = 0, _("Code")  # a person is waiting for it
    TRANSACTIONAL = 1, _("Transactional")  # the result of a person's action
    BULK = 2, _("Bulk")  # to many people


class Guarantee(TextChoices):
    """What happens to a message whose worker died between the provider's response and our commit."""

    AT_MOST_ONCE = "at_most_once", _("At most once")  # failed; staff may retry it
    AT_LEAST_ONCE = "at_least_once", _("At least once")  # retried; it may arrive twice


class Kind(TextChoices):
    """What a message is about, which decides whether a person may unsubscribe from it."""

    SECURITY = "security", _("The safety of your account")  # always sent
    ACCOUNT = "account", _("Your account and your orders")
    MARKETING = "marketing", _("News and offers")


OPTIONAL_KINDS = (Kind.ACCOUNT, Kind.MARKETING)
EVERY_KIND = ""  # of a suppression: messages of all kinds are suppressed


class EventType(TextChoices):
    """The events in a message's timeline. `Message.created_at` is the time of queueing."""

    SENT = "sent", _("Accepted by the provider")
    POSTPONED = "postponed", _("Not sent; will be retried")
    FAILED = "failed", _("Failed")
    UNCERTAIN = "uncertain", _("Outcome unknown: a worker stopped")
    RETRIED = "retried", _("Queued again by hand")
    CANCELLED = "cancelled", _("Cancelled")
    SUPPRESSED = "suppressed", _("Suppressed")
    DELIVERED = "delivered", _("Delivered")
    DELAYED = "delayed", _("Delayed on the recipient's side")
    BOUNCED = "bounced", _("Bounced")
    COMPLAINED = "complained", _("Marked as spam")
    REJECTED = "rejected", _("Rejected by the provider")


class Status(TextChoices):
    """The status of a message."""

    QUEUED = "queued", _("Queued")  # waits for its time and a worker
    SENDING = "sending", _("Sending")  # a worker has a lease on it
    SENT = "sent", _("Sent")  # accepted by the provider
    DELIVERED = "delivered", _("Delivered")  # accepted by the recipient's server or carrier
    FAILED = "failed", _("Failed")  # refused, retried for too long, or of unknown outcome and not to be sent twice
    BOUNCED = "bounced", _("Bounced")  # returned by the recipient's server or carrier
    COMPLAINED = "complained", _("Complained")  # marked as spam by the recipient
    SUPPRESSED = "suppressed", _("Suppressed")  # not sent: the recipient is suppressed or unsubscribed
    CANCELLED = "cancelled", _("Cancelled")  # not sent: expired or cancelled


MOVES: dict[Status, frozenset[Status]] = {
    # QUEUED and FAILED -> SENT: a worker with an expired lease reports late that it sent the message.
    Status.QUEUED: frozenset({Status.SENDING, Status.SENT, Status.SUPPRESSED, Status.CANCELLED}),
    Status.SENDING: frozenset({Status.QUEUED, Status.SENT, Status.FAILED, Status.SUPPRESSED, Status.CANCELLED}),
    # SENT and CANCELLED -> QUEUED: a webhook is delivered again by hand.
    Status.SENT: frozenset({Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED, Status.FAILED, Status.QUEUED}),
    Status.DELIVERED: frozenset({Status.COMPLAINED, Status.BOUNCED}),
    Status.FAILED: frozenset({Status.QUEUED, Status.SENT}),
    # A later complaint of another recipient, or an automatic reply reported before the delivery it replies to.
    Status.BOUNCED: frozenset({Status.COMPLAINED, Status.DELIVERED}),
    Status.COMPLAINED: frozenset(),
    Status.SUPPRESSED: frozenset(),
    Status.CANCELLED: frozenset({Status.QUEUED}),
}


# A message with one of these is not processed further.
FINISHED = [state for state in Status if state not in {Status.QUEUED, Status.SENDING}]
ARRIVED = (Status.SENT, Status.DELIVERED)  # as far as is known
LOST = (Status.FAILED, Status.BOUNCED, Status.COMPLAINED)  # final states of messages that failed or were not wanted


def sources(target: Status) -> list[Status]:
    """Return the statuses that may change to `target`."""
    return [state for state, targets in MOVES.items() if target in targets]


class SuppressionReason(TextChoices):
    """Why an address is suppressed."""

    BOUNCE = "bounce", _("The address does not exist (hard bounce)")
    COMPLAINT = "complaint", _("The recipient marked a message as spam")
    OPT_OUT = "opt_out", _("The recipient opted out")
    MANUAL = "manual", _("Entered by staff")


# Requested by the recipient: only the recipient lifts it, or staff with a reason that is stored.
REQUESTED_BY_RECIPIENT = (SuppressionReason.COMPLAINT, SuppressionReason.OPT_OUT)


class ReceiptState(TextChoices):
    """The state of a provider's report."""

    WAITING = "waiting", _("Waiting for its message")  # arrived before our commit; retried for a while
    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Ignored")  # about an unknown message or of an unused type


class WebhookEvent(TextChoices):
    """The events that a webhook endpoint may subscribe to."""

    USER_CREATED = "user.created", _("User created")
    USER_UPDATED = "user.updated", _("User updated")
    USER_LOCKED = "user.locked", _("User locked by staff")
    USER_UNLOCKED = "user.unlocked", _("User unlocked")
    USER_DEACTIVATED = "user.deactivated", _("User deactivated")
    USER_REACTIVATED = "user.reactivated", _("User activated again")
    USER_DELETED = "user.deleted", _("User deleted")
    USER_ROLES_CHANGED = "user.roles_changed", _("Roles of a user changed")
    SESSION_ENDED = "session.ended", _("Session ended")
    MESSAGE_DELIVERED = "message.delivered", _("Message delivered")
    MESSAGE_FAILED = "message.failed", _("Message failed")
    MESSAGE_BOUNCED = "message.bounced", _("Message bounced")
    MESSAGE_COMPLAINED = "message.complained", _("Message marked as spam")


EVERY_EVENT = "*"
TEST_EVENT = "webhook.test"


class DisabledReason(TextChoices):
    """Why an endpoint was disabled automatically."""

    GONE = "gone", _("The receiver answered 410 Gone")
    FAILING = "failing", _("Every delivery failed for days")


def webhook_event_choices() -> list[tuple[str, str | Promise]]:
    """Return the events to which an endpoint may subscribe: all events, those above, and those of modules."""
    return [(EVERY_EVENT, _("All events")), *WebhookEvent.choices, *events.webhook_events()]
