"""Remove suppressed and unsubscribed recipients from due messages, and refuse messages without recipients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from uuid import UUID

from django.utils import timezone

from notifications.models import Message, Preference
from notifications.services.audience import suppression
from notifications.services.delivery.attempt import Outcome
from notifications.states import EVERY_KIND, Channel, Kind, Status

Addresses = Mapping[str, str]  # each recipient of a message (`Ann <ann@example.com>`) and its normalized address
Suppressed = frozenset[tuple[str, object]]  # pairs of a kind, and an address or user ID that does not get it


@dataclass(frozen=True)
class FilterResult:
    """The messages to send, the outcomes of the others, and the excluded recipients of each message to send."""

    messages: list[Message]
    refused: list[Outcome]
    excluded: dict[UUID, frozenset[str]]


def apply(messages: Sequence[Message]) -> FilterResult:
    """Filter out messages that have expired, and recipients who are suppressed or unsubscribed."""
    result = FilterResult([], [], {})
    recipients = [(message, _normalized(message)) for message in messages]
    suppressed = _suppressed(recipients)
    for message, addresses in recipients:
        unsubscribed = _unsubscribed(message, addresses, suppressed)
        excluded = unsubscribed | {name for name, address in addresses.items() if (EVERY_KIND, address) in suppressed}
        outcome = _outcome(message, excluded, unsubscribed)
        if outcome is None:
            result.messages.append(message)
            result.excluded[message.pk] = excluded
        else:
            result.refused.append(outcome)
    return result


def _normalized(message: Message) -> Addresses:
    channel = Channel(message.channel)
    return {
        recipient: suppression.normalized(channel, _address(recipient, channel))
        for recipient in (*message.to, *message.cc, *message.bcc)
    }


def _address(recipient: str, channel: Channel) -> str:
    return parseaddr(recipient)[1] if channel == Channel.EMAIL else recipient


def _suppressed(recipients: Sequence[tuple[Message, Addresses]]) -> Suppressed:
    """Return the suppressions and preferences that concern these recipients, in two queries."""
    found: set[tuple[str, object]] = set()
    for channel in Channel:
        found.update(suppression.find(channel, addresses) if (addresses := _addresses(recipients, channel)) else ())
    optional = [(message, addresses) for message, addresses in recipients if message.kind != Kind.SECURITY]
    unsubscribed = Preference.objects.unsubscribed(
        users={message.user_id for message, _addresses_of_it in optional if message.user_id},
        emails=_addresses(optional, Channel.EMAIL),
        phones=_addresses(optional, Channel.SMS),
    )
    found.update((kind, whose) for kind, *all_of_them in unsubscribed for whose in all_of_them if whose)
    return frozenset(found)


def _addresses(recipients: Sequence[tuple[Message, Addresses]], channel: Channel) -> set[str]:
    return {form for message, forms in recipients if message.channel == channel for form in forms.values()}


def _unsubscribed(message: Message, addresses: Addresses, suppressed: Suppressed) -> frozenset[str]:
    """Return the recipients who unsubscribed from this kind of message."""
    if not suppressed or message.kind == Kind.SECURITY:
        return frozenset()
    if (message.kind, message.user_id) in suppressed:
        return frozenset(message.to)
    return frozenset(recipient for recipient, address in addresses.items() if (message.kind, address) in suppressed)


def _outcome(message: Message, excluded: frozenset[str], unsubscribed: frozenset[str]) -> Outcome | None:
    """Return the outcome of a message that must not be sent; None if it may be sent."""
    if message.expires_at is not None and timezone.now() >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error="Not sent before it expired.")
    if not excluded.issuperset(message.to):
        return None
    if unsubscribed.intersection(message.to):
        return Outcome(message, Status.SUPPRESSED, error="The recipient unsubscribed from messages of this kind.")
    return Outcome(message, Status.SUPPRESSED, error="This address is suppressed.")
