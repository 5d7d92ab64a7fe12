"""Which of the messages that are due must not be sent after all."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from uuid import UUID

from django.utils import timezone

from notifications.models import Message, Preference
from notifications.services import suppression
from notifications.services.delivery import Outcome
from notifications.states import Channel, Kind, Status


@dataclass(frozen=True)
class Admitted:
    """What may be sent, and what is refused. unwanted: the recipients that are left out of each message that may."""

    messages: list[Message]
    refused: list[Outcome]
    unwanted: dict[UUID, frozenset[str]]


def decide(messages: Sequence[Message]) -> Admitted:
    """Refuse what is too late, what its recipients switched off, and what only goes to suppressed addresses."""
    admitted = Admitted([], [], {})
    if not messages:
        return admitted
    suppressed = _suppressed(messages, Channel.EMAIL) | _suppressed(messages, Channel.SMS)
    switched_off = _switched_off(messages)
    for message in messages:
        declined = _declined(message, switched_off)
        unwanted = suppressed | declined
        outcome = _refusal(message, unwanted, declined)
        if outcome is None:
            admitted.messages.append(message)
            admitted.unwanted[message.pk] = unwanted
        else:
            admitted.refused.append(outcome)
    return admitted


def _suppressed(messages: Sequence[Message], channel: Channel) -> frozenset[str]:
    """Recipients as the messages name them (`Ann <ann@example.com>`) whose address is suppressed."""
    forms: dict[str, str] = {}
    for message in messages:
        if message.channel == channel:
            forms.update(_forms(message))
    found = suppression.suppressed(channel, set(forms.values())) if forms else frozenset()
    return frozenset(recipient for recipient, form in forms.items() if form in found)


def _address(recipient: str, channel: Channel) -> str:
    return parseaddr(recipient)[1] if channel == Channel.EMAIL else recipient


def _switched_off(messages: Sequence[Message]) -> frozenset[tuple[str, object]]:
    """Kinds that somebody switched off, each with who did: by their id, and by the addresses that are theirs."""
    optional = [message for message in messages if message.kind != Kind.SECURITY]
    if not optional:
        return frozenset()
    emails = {form for message in optional if message.channel == Channel.EMAIL for form in _forms(message).values()}
    phones = {form for message in optional if message.channel == Channel.SMS for form in _forms(message).values()}
    users = {message.user_id for message in optional if message.user_id}
    refusals = Preference.objects.refusals(users=users, emails=emails, phones=phones)
    return frozenset((kind, whose) for kind, *all_of_them in refusals for whose in all_of_them if whose)


def _forms(message: Message) -> dict[str, str]:
    """The recipients of a message, each with its address in the form that it is kept in."""
    return {
        recipient: suppression.kept_form(message.channel, _address(recipient, Channel(message.channel)))
        for recipient in (*message.to, *message.cc, *message.bcc)
    }


def _declined(message: Message, switched_off: frozenset[tuple[str, object]]) -> frozenset[str]:
    """The recipients who want no messages of this kind."""
    if not switched_off or message.kind == Kind.SECURITY:
        return frozenset()
    if (message.kind, message.user_id) in switched_off:
        return frozenset(message.to)
    return frozenset(recipient for recipient, form in _forms(message).items() if (message.kind, form) in switched_off)


def _refusal(message: Message, unwanted: frozenset[str], declined: frozenset[str]) -> Outcome | None:
    if message.expires_at is not None and timezone.now() >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error="Not sent within its life.")
    if not unwanted.issuperset(message.to):
        return None
    if declined.intersection(message.to):
        return Outcome(message, Status.SUPPRESSED, error="The recipient switched messages of this kind off.")
    return Outcome(message, Status.SUPPRESSED, error="Nothing is sent to this address any more.")
