"""Queue the webhooks of events, in the transaction of the event.

Payloads contain no secrets, codes or links. Only those of `user.` events contain personal data. Their messages
reference the user, so that deleting the user removes them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from structlog.contextvars import get_contextvars

from accounts.models import Session, User
from notifications import signals
from notifications.models import Message, WebhookDelivery
from notifications.services.compose.writing import encrypt_content
from notifications.services.webhooks import subscriptions
from notifications.states import Channel, WebhookEvent

TRIED_FOR = timedelta(days=3)  # so that nothing is lost over a weekend


@dataclass(frozen=True)
class Occurrence:
    """One event. user: the person whose data it contains; None without personal data."""

    type: str
    data: dict[str, Any]
    user: User | None = None


def users_changed(event: WebhookEvent, users: Iterable[User], **more: Any) -> None:
    """Queue a `user.` event for each user. more: additional values of the payload."""
    endpoints = subscriptions.to(event)
    if endpoints:
        queue([Occurrence(event, {"user": described(user), **more}, user) for user in users], endpoints)


def users_deleted(users: Iterable[User]) -> None:
    """Queue the deletion of these users. The payload has only their ids."""
    endpoints = subscriptions.to(WebhookEvent.USER_DELETED)
    if endpoints:
        queue([Occurrence(WebhookEvent.USER_DELETED, {"user": {"id": user.pk}}) for user in users], endpoints)


def sessions_ended(sessions: Iterable[Session]) -> None:
    """Queue the end of these sessions. sessions: only read if an endpoint subscribes."""
    endpoints = subscriptions.to(WebhookEvent.SESSION_ENDED)
    if not endpoints:
        return
    occurrences = [
        Occurrence(
            WebhookEvent.SESSION_ENDED,
            {"user": {"id": session.user_id}, "session": {"id": str(session.pk), "reason": session.end_reason}},
        )
        for session in sessions
    ]
    queue(occurrences, endpoints)


def happened(event: str, data: dict[str, Any], user: User | None) -> None:
    """Queue an event of a module. user: the person concerned; the payload has the id."""
    endpoints = subscriptions.to(event)
    if endpoints:
        queue([Occurrence(event, {"user": {"id": user.pk} if user else None, **data}, user)], endpoints)


def messages_changed(event: WebhookEvent, messages: Iterable[Message]) -> None:
    """Queue a `message.` event for e-mails and SMS. Not for webhooks: a failed one would cause another."""
    reported = [message for message in messages if message.channel != Channel.WEBHOOK]
    endpoints = subscriptions.to(event) if reported else []
    if endpoints:
        # The sweep starts their delivery, so that a dispatcher of e-mails does not have to.
        write([Occurrence(event, _about(message)) for message in reported], endpoints)


def described(user: User) -> dict[str, Any]:
    """Return the values of a user in payloads."""
    return {
        "id": user.pk,
        "email": user.email,
        "email_verified": user.is_email_verified,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone": user.phone,
        "language": user.language,
        "is_active": user.is_active,
        "is_locked": user.locked_at is not None,
        "is_service_account": user.is_service_account,
        "created_at": _iso(user.created_at),
    }


def queue(occurrences: Sequence[Occurrence], endpoints: Sequence[int]) -> list[Message]:
    """Write the deliveries, and start delivery after the commit."""
    messages = write(occurrences, endpoints)
    for message in messages:
        signals.message_queued.send(sender=Message, message=message)
    return messages


def write(occurrences: Sequence[Occurrence], endpoints: Sequence[int]) -> list[Message]:
    """Write a delivery of each event to each endpoint, in two queries."""
    now = timezone.now()
    request_id = get_contextvars().get("request_id", "")
    rows = [(_message(one, request_id, now), endpoint) for one in occurrences for endpoint in endpoints]
    messages = Message.objects.bulk_create([message for message, _ in rows])
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(message=message, endpoint_id=endpoint, created_at=now) for message, endpoint in rows
    )
    return messages


def _message(occurrence: Occurrence, request_id: str, now: datetime) -> Message:
    payload = {"type": occurrence.type, "timestamp": _iso(now), "data": occurrence.data}
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Message(
        channel=Channel.WEBHOOK,
        template=occurrence.type,
        user=occurrence.user,
        payload=encrypt_content({"body": body}),
        request_id=request_id,
        created_at=now,
        due_at=now,
        give_up_at=now + TRIED_FOR,
    )


def _about(message: Message) -> dict[str, Any]:
    return {
        "user": {"id": message.user_id} if message.user_id else None,
        "message": {"id": str(message.pk), "channel": message.channel, "template": message.template},
    }


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
