"""Writing messages, in the transaction of what causes them."""

from typing import Any

from accounts.models import User
from foodfleet.core import crypto
from notifications import signals
from notifications.models import Message
from notifications.states import Channel

PURPOSE = "message"


def queue_email(*, template: str, user: User, variables: dict[str, Any], request_id: str = "", to: str = "") -> Message:
    """Write an e-mail to `user` in their language and announce it; it is sent once the transaction commits.

    variables: what the template names; kept encrypted, and only until the mail is sent. to: where to, if not to the
    user's own address.
    """
    message = Message.objects.create(
        channel=Channel.EMAIL,
        to=[to or user.email],
        template=template,
        language=user.language,
        user=user,
        payload=crypto.encrypt_json(variables, purpose=PURPOSE),
        request_id=request_id,
    )
    signals.message_queued.send(sender=Message, message=message)
    return message
