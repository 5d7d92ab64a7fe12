"""Writing a message row: once for each sender and idempotency key, announced, inside the caller's transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from structlog.contextvars import get_contextvars

from accounts.models import User
from foodfleet.core import crypto
from notifications import signals
from notifications.exceptions import IdempotencyConflictException
from notifications.models import Attachment, Message
from notifications.services.compose import payloads
from notifications.services.compose.policies import Policy
from rbac.services import actors

TRIED_FOR = timedelta(days=1)  # from when a message is due; a mail server that is away is mostly back by then


@dataclass(frozen=True)
class Order:
    """How, when and on whose behalf a message is to be sent.

    user: whom it is for, if that is a user of ours. sender: who asked for it; with `idempotency_key` the same order
    given twice makes one message. body_digest: of what was asked for, where the key does not stand for the finished
    message. language: of the template, where the user's own is not meant.
    """

    policy: Policy = field(default_factory=Policy)
    user: User | None = None
    sender: User | None = None
    idempotency_key: str = ""
    body_digest: str = ""
    request_id: str = ""
    send_at: datetime | None = None
    language: str = ""


def digest_of(order: Order, *parts: Any) -> str:
    """One digest for the body that an idempotency key came with; '' without one.

    Keyed: whoever reads it must not find the code in the body by trying all of them.
    """
    if not _has_key(order):
        return ""
    return crypto.keyed_digest(json.dumps(parts, default=str, sort_keys=True), purpose="message-body")


def _has_key(order: Order) -> bool:
    return bool(order.idempotency_key) and order.sender is not None


def repeated(order: Order, digest: str) -> Message | None:
    """The message that this sender's key has made before, or None. Raises IdempotencyConflictException."""
    if not _has_key(order):
        return None
    found: Message | None = Message.objects.made_with(order.sender, order.idempotency_key).first()
    if found is not None and found.body_digest != digest:
        raise IdempotencyConflictException
    return found


def write(message: Message, content: dict[str, Any], order: Order, attachments: Sequence[Attachment] = ()) -> Message:
    """Save `message` with `content` sealed and announce it; returns the earlier one where its key has come before.

    Raises IdempotencyConflictException where the key came with another body, and as `actors.lock_actor` where the
    sender may not send any more.
    """
    actors.ensure_still_may(order.sender, "notifications:send")
    _follow(message, order)
    message.payload = payloads.seal(content)
    if not order.idempotency_key and not attachments:
        # One row that nothing can have come before: it is its own transaction where there is none around it.
        Message.objects.add(message)
        signals.message_queued.send(sender=Message, message=message)
        return message
    try:
        with transaction.atomic():
            Message.objects.add(message)
            for attachment in attachments:
                attachment.message = message
                attachment.save(force_insert=True)
            signals.message_queued.send(sender=Message, message=message)
    except IntegrityError:
        earlier = repeated(order, message.body_digest)
        if earlier is None:
            raise
        return earlier
    return message


def _follow(message: Message, order: Order) -> None:
    now = timezone.now()
    policy = order.policy
    message.kind, message.priority, message.guarantee = policy.kind, policy.priority, policy.guarantee
    message.user = order.user
    message.request_id = order.request_id or get_contextvars().get("request_id", "")
    if order.sender is not None:
        message.sender, message.idempotency_key = order.sender, order.idempotency_key
    message.created_at = now
    message.due_at = max(order.send_at or now, now)
    message.give_up_at = message.due_at + TRIED_FOR
    message.expires_at = message.due_at + policy.lifetime if policy.lifetime else None
