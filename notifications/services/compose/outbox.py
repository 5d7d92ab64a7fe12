"""What receivers call: a message of the product's own, from its template, in the transaction of what causes it."""

from typing import Any

from accounts.models import User
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.mailbox_limits import may_mail
from notifications.models import Message
from notifications.services.compose.email import queue_templated_email
from notifications.services.compose.policies import policy_of
from notifications.services.compose.sms import queue_templated_sms
from notifications.services.compose.writing import Order
from notifications.states import Channel


def queue_notice(*, template: str, user: User, variables: dict[str, Any], request_id: str = "") -> Message | None:
    """`queue_email` about what somebody did in the account of `user`.

    Whoever registered a stranger's address may do so as often as they like: an address that nobody confirmed is sent no
    more than anybody may cause there, and None is returned past that.
    """
    if not user.is_email_verified and not may_mail(user.email):
        return None
    return queue_email(template=template, user=user, variables=variables, request_id=request_id)


def queue_email(*, template: str, user: User, variables: dict[str, Any], request_id: str = "", to: str = "") -> Message:
    """Write an e-mail to `user` in their language and announce it; it is sent once the transaction commits.

    variables: what the template names; the rendered mail is kept encrypted, and only until it is sent. to: where to,
    if not to the user's own address.
    """
    order = Order(policy=policy_of(Channel.EMAIL, template), user=user, request_id=request_id)
    try:
        return queue_templated_email(to=[to or user.email], template=template, context=variables, order=order)
    except ValidationException as refusal:
        raise _of_account(refusal, "email") from None


def queue_sms(*, template: str, phone: str, user: User, variables: dict[str, str], request_id: str = "") -> Message:
    """Write a text to `phone` in the language of `user` and announce it; it is sent once the transaction commits."""
    order = Order(policy=policy_of(Channel.SMS, template), user=user, request_id=request_id)
    try:
        return queue_templated_sms(to=phone, template=template, variables=variables, order=order)
    except ValidationException as refusal:
        raise _of_account(refusal, "phone") from None


def _of_account(refusal: ValidationException, field: str) -> ValidationException:
    """The refusal of a recipient, by the name that the account's own forms have for it."""
    details = {field if name == "to" else name: entries for name, entries in refusal.details.items()}
    return ValidationException(details=details)
