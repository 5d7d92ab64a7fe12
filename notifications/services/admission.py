"""Which of the messages that are due must not be sent after all."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from django.utils import timezone

from notifications.models import Message, Preference
from notifications.services import suppression
from notifications.services.delivery import Outcome
from notifications.states import Channel, Kind, Status


@dataclass(frozen=True)
class Admitted:
    """What may be sent, without the recipients in `unwanted`; and what is refused."""

    messages: list[Message]
    refused: list[Outcome]
    unwanted: frozenset[str]


def decide(messages: Sequence[Message]) -> Admitted:
    """Refuse what is too late, what its recipient switched off, and what only goes to suppressed addresses."""
    if not messages:
        return Admitted([], [], frozenset())
    unwanted = _suppressed(messages, Channel.EMAIL) | _suppressed(messages, Channel.SMS)
    switched_off = _switched_off(messages)
    admitted, refused = [], []
    for message in messages:
        outcome = _refusal(message, unwanted, switched_off)
        if outcome is None:
            admitted.append(message)
        else:
            refused.append(outcome)
    return Admitted(admitted, refused, unwanted)


def _suppressed(messages: Sequence[Message], channel: Channel) -> frozenset[str]:
    """Recipients as the messages name them (`Ann <ann@example.com>`) whose address is suppressed."""
    named = {
        recipient
        for message in messages
        if message.channel == channel
        for recipient in (*message.to, *message.cc, *message.bcc)
    }
    form = {recipient: suppression.kept_form(channel, _address(recipient, channel)) for recipient in named}
    found = suppression.suppressed(channel, set(form.values())) if form else frozenset()
    return frozenset(recipient for recipient in named if form[recipient] in found)


def _address(recipient: str, channel: Channel) -> str:
    return parseaddr(recipient)[1] if channel == Channel.EMAIL else recipient


def _switched_off(messages: Sequence[Message]) -> frozenset[tuple[int, str]]:
    """Who of the recipients wants no messages of which kind."""
    users = {message.user_id for message in messages if message.user_id and message.kind != Kind.SECURITY}
    return frozenset(Preference.objects.refused_by(users).values_list("user_id", "kind")) if users else frozenset()


def _refusal(message: Message, unwanted: frozenset[str], switched_off: frozenset[tuple[int, str]]) -> Outcome | None:
    if message.expires_at is not None and timezone.now() >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error="Not sent within its life.")
    if unwanted.issuperset(message.to):
        return Outcome(message, Status.SUPPRESSED, error="Nothing is sent to this address any more.")
    if (message.user_id, message.kind) in switched_off:
        return Outcome(message, Status.SUPPRESSED, error="The recipient switched messages of this kind off.")
    return None
