"""Which of the messages that are due must not be sent after all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from uuid import UUID

from django.utils import timezone

from notifications.models import Message, Preference
from notifications.services.audience import suppression
from notifications.services.delivery.attempt import Outcome
from notifications.states import EVERY_KIND, Channel, Kind, Status

Forms = Mapping[str, str]  # recipients as a message names them (`Ann <ann@example.com>`), and as addresses are kept
Barred = frozenset[tuple[str, object]]  # a kind, and the address or the user's id that messages of it do not go to


@dataclass(frozen=True)
class Admitted:
    """What may be sent, and what is refused. unwanted: the recipients that are left out of each message that may."""

    messages: list[Message]
    refused: list[Outcome]
    unwanted: dict[UUID, frozenset[str]]


def decide(messages: Sequence[Message]) -> Admitted:
    """Refuse what is too late, what its recipients switched off, and what only goes to suppressed addresses."""
    admitted = Admitted([], [], {})
    recipients = [(message, _forms(message)) for message in messages]
    barred = _barred(recipients)
    for message, forms in recipients:
        declined = _declined(message, forms, barred)
        unwanted = declined | {recipient for recipient, form in forms.items() if (EVERY_KIND, form) in barred}
        outcome = _refusal(message, unwanted, declined)
        if outcome is None:
            admitted.messages.append(message)
            admitted.unwanted[message.pk] = unwanted
        else:
            admitted.refused.append(outcome)
    return admitted


def _forms(message: Message) -> Forms:
    channel = Channel(message.channel)
    return {
        recipient: suppression.kept_form(channel, _address(recipient, channel))
        for recipient in (*message.to, *message.cc, *message.bcc)
    }


def _address(recipient: str, channel: Channel) -> str:
    return parseaddr(recipient)[1] if channel == Channel.EMAIL else recipient


def _barred(recipients: Sequence[tuple[Message, Forms]]) -> Barred:
    """What does not go to these: by what is suppressed, and by what people switched off.

    Addresses and numbers stand in one set, for none is the other.
    """
    found: set[tuple[str, object]] = set()
    for channel in Channel:
        found.update(suppression.barred(channel, addresses) if (addresses := _addresses(recipients, channel)) else ())
    optional = [(message, forms) for message, forms in recipients if message.kind != Kind.SECURITY]
    refusals = Preference.objects.refusals(
        users={message.user_id for message, _forms in optional if message.user_id},
        emails=_addresses(optional, Channel.EMAIL),
        phones=_addresses(optional, Channel.SMS),
    )
    found.update((kind, whose) for kind, *all_of_them in refusals for whose in all_of_them if whose)
    return frozenset(found)


def _addresses(recipients: Sequence[tuple[Message, Forms]], channel: Channel) -> set[str]:
    return {form for message, forms in recipients if message.channel == channel for form in forms.values()}


def _declined(message: Message, forms: Forms, barred: Barred) -> frozenset[str]:
    """The recipients who want no messages of this kind."""
    if not barred or message.kind == Kind.SECURITY:
        return frozenset()
    if (message.kind, message.user_id) in barred:
        return frozenset(message.to)
    return frozenset(recipient for recipient, form in forms.items() if (message.kind, form) in barred)


def _refusal(message: Message, unwanted: frozenset[str], declined: frozenset[str]) -> Outcome | None:
    if message.expires_at is not None and timezone.now() >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error="Not sent within its life.")
    if not unwanted.issuperset(message.to):
        return None
    if declined.intersection(message.to):
        return Outcome(message, Status.SUPPRESSED, error="The recipient switched messages of this kind off.")
    return Outcome(message, Status.SUPPRESSED, error="Nothing is sent to this address any more.")
