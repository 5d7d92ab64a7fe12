"""Write a message row in the caller's transaction, once for each sender and idempotency key."""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from structlog.contextvars import get_contextvars

from accounts.models import User
from foodfleet.core import crypto
from foodfleet.core.database.compiled import insert
from foodfleet.core.database.locks import lock_name
from foodfleet.core.exceptions import InsufficientPermissionsException
from notifications import signals
from notifications.exceptions import IdempotencyConflictException
from notifications.models import Attachment, Message
from notifications.services.compose.policies import Policy
from notifications.services.compose.recipients import mailbox_of
from notifications.states import Channel
from rbac.services import actors, decisions

SEND = "notifications:send"
TRIED_FOR = timedelta(days=1)  # after a message is due; most outages of a mail server are over by then
PAYLOAD_PURPOSE = "message"
COMPRESSION_LEVEL = 1  # an e-mail shrinks to a third; higher levels gain little and cost the request time


@dataclass(frozen=True)
class MessageDraft:
    """The values of a message before it is written: policy, people, key and time.

    user: the recipient, if they have an account. sender: the user who requested it; repeated requests with the same
    `idempotency_key` create one message. body_digest: the digest of the request, if the caller has computed it.
    language: the language of the template, instead of the user's own.
    """

    policy: Policy = field(default_factory=Policy)
    user: User | None = None
    sender: User | None = None
    idempotency_key: str = ""
    body_digest: str = ""
    request_id: str = ""
    send_at: datetime | None = None
    language: str = ""


def digest_of(draft: MessageDraft, *parts: Any) -> str:
    """Return the digest of a request's body; '' without an idempotency key.

    It is keyed, so that a short code in the body cannot be found from the digest by trying all codes.
    """
    if not _has_key(draft):
        return ""
    return crypto.keyed_digest(json.dumps(parts, default=str, sort_keys=True), purpose="message-body")


def _has_key(draft: MessageDraft) -> bool:
    return bool(draft.idempotency_key) and draft.sender is not None


def repeated(draft: MessageDraft, digest: str) -> Message | None:
    """Return the earlier message with this sender and key, or None. Raises IdempotencyConflictException."""
    if draft.sender is None or not draft.idempotency_key:
        return None
    found: Message | None = Message.objects.find_by_idempotency_key(draft.sender, draft.idempotency_key)
    if found is not None and found.body_digest != digest:
        raise IdempotencyConflictException
    return found


def write(
    message: Message, content: dict[str, Any], draft: MessageDraft, attachments: Sequence[Attachment] = ()
) -> Message:
    """Save `message` with its encrypted content and send `message_queued`; return the earlier one with the same key.

    Raises IdempotencyConflictException if the key was used with another body, InsufficientPermissionsException if the
    sender may not send to these recipients, and the exceptions of `actors.ensure_still_may`.
    """
    _ensure_may_send(draft.sender, message)
    _apply_draft(message, draft)
    message.payload = encrypt_content(content)
    if not message.idempotency_key and not attachments:
        insert(message)  # a single statement needs no transaction
        signals.message_queued.send(sender=Message, message=message)
        return message
    with transaction.atomic():
        if (earlier := _written_before(message, draft)) is not None:
            return earlier
        insert(message)
        for attachment in attachments:
            attachment.message = message
            attachment.save(force_insert=True)
        signals.message_queued.send(sender=Message, message=message)
    return message


def _written_before(message: Message, draft: MessageDraft) -> Message | None:
    """Return the earlier message with this key; if there is none, no other transaction writes one before this ends.

    A unique constraint cannot say this, because one of a partitioned table has to contain `created_at`. If the caller's
    transaction goes on after `write`, others with the same key wait for its end.
    """
    if not message.idempotency_key:
        return None
    lock_name("message", message.sender_id, message.idempotency_key)
    return repeated(draft, message.body_digest)


def _ensure_may_send(sender: User | None, message: Message) -> None:
    """Check that a sender with the permission only in scopes sends only to confirmed addresses of their members."""
    current = actors.ensure_still_may(sender)
    if current is None or decisions.has(current, SEND):
        return
    members = User.objects.reachable().visible_to(current, SEND)
    if message.channel == Channel.SMS:
        reached = members.filter(phone__in=message.to, phone_verified_at__isnull=False).exists()
    else:
        mailboxes = {mailbox_of(address) for address in (*message.to, *message.cc, *message.bcc)}
        reached = members.with_emails(list(mailboxes)).count() == len(mailboxes)
    if not reached:
        raise InsufficientPermissionsException.missing(SEND)


def _apply_draft(message: Message, draft: MessageDraft) -> None:
    now = timezone.now()
    policy = draft.policy
    message.kind, message.priority, message.guarantee = policy.kind, policy.priority, policy.guarantee
    message.user = draft.user
    message.request_id = draft.request_id or get_contextvars().get("request_id", "")
    if draft.sender is not None:
        message.sender, message.idempotency_key = draft.sender, draft.idempotency_key
    message.created_at = now
    message.due_at = max(draft.send_at or now, now)
    message.give_up_at = message.due_at + TRIED_FOR
    message.expires_at = message.due_at + policy.lifetime if policy.lifetime else None


def encrypt_content(content: dict[str, Any]) -> str:
    """Return the compressed and encrypted content for Message.payload."""
    packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), COMPRESSION_LEVEL)
    return crypto.encrypt(b64encode(packed).decode(), purpose=PAYLOAD_PURPOSE)


def decrypt_content(payload: str) -> dict[str, Any]:
    """Return what `encrypt_content` was given. Raises foodfleet.core.crypto.DecryptionError."""
    packed = b64decode(crypto.decrypt(payload, purpose=PAYLOAD_PURPOSE))
    content: dict[str, Any] = json.loads(zlib.decompress(packed))
    return content
