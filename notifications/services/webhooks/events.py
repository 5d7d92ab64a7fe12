"""What happened, as webhooks tell it. Rows are written in the transaction of the event.

A payload has no secret, code or link. Only that of a `user.` event has personal data: its message names the user, so
that deleting the user removes it.
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
    """One event. user: whose personal data `data` has; None if it has none."""

    type: str
    data: dict[str, Any]
    user: User | None = None


def users_changed(event: WebhookEvent, users: Iterable[User], **more: Any) -> None:
    """Tell the subscribers of a `user.` event. more: what else the payload has."""
    endpoints = subscriptions.to(event)
    if endpoints:
        queue([Occurrence(event, {"user": described(user), **more}, user) for user in users], endpoints)


def users_deleted(users: Iterable[User]) -> None:
    """Tell that these users were deleted: their ids are all that is left of them."""
    endpoints = subscriptions.to(WebhookEvent.USER_DELETED)
    if endpoints:
        queue([Occurrence(WebhookEvent.USER_DELETED, {"user": {"id": user.pk}}) for user in users], endpoints)


def sessions_ended(sessions: Iterable[Session]) -> None:
    """Tell that these sessions ended. sessions: read only if somebody subscribes."""
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
    """Tell the subscribers of an event of a module. user: whom it concerns, of whom the payload has the id."""
    endpoints = subscriptions.to(event)
    if endpoints:
        queue([Occurrence(event, {"user": {"id": user.pk} if user else None, **data}, user)], endpoints)


def messages_changed(event: WebhookEvent, messages: Iterable[Message]) -> None:
    """Tell the subscribers of a `message.` event. Webhooks are no such messages: a failed one would tell of itself."""
    reported = [message for message in messages if message.channel != Channel.WEBHOOK]
    endpoints = subscriptions.to(event) if reported else []
    if endpoints:
        # The sweep starts their delivery: nobody waits for it in a dispatcher of e-mails.
        write([Occurrence(event, _about(message)) for message in reported], endpoints)


def described(user: User) -> dict[str, Any]:
    """Return what payloads tell of a user."""
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
    """Write the deliveries and start them after the commit."""
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
