"""Queue the product's own messages: called by receivers, in the transaction of the event."""

from typing import Any

from accounts.models import User
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import may_mail
from notifications.models import Message
from notifications.services.compose.email import queue_templated_email
from notifications.services.compose.policies import Policy, policy_of
from notifications.services.compose.sms import queue_templated_sms
from notifications.services.compose.variables import security_facts
from notifications.services.compose.writing import MessageDraft
from notifications.services.templates import specs
from notifications.states import Channel


def queue_notice(template: str, user: User, client: Client, report_token: str, **more: Any) -> Message | None:
    """Queue an e-mail about an event in the account of `user`, with `security_facts` and `more` as its values.

    Returns None without an e-mail for a service account, and for an unconfirmed address beyond the limit for one
    address: it may belong to somebody else.
    """
    if user.is_service_account:
        return None
    if not user.is_email_verified and not may_mail(user.email):
        return None
    variables = {**security_facts(user, client, report_token), **more}
    return queue_email(template=template, user=user, variables=variables, request_id=client.request_id)


def queue_email(*, template: str, user: User, variables: dict[str, Any], request_id: str = "", to: str = "") -> Message:
    """Queue an e-mail to `user` in their language. It is sent after the transaction commits.

    variables: the values of the template. The rendered e-mail is stored encrypted, and only until it is sent.
    to: another address than the user's own.
    """
    draft = MessageDraft(policy=_policy_of(Channel.EMAIL, template), user=user, request_id=request_id)
    try:
        return queue_templated_email(to=[to or user.email], template=template, context=variables, draft=draft)
    except ValidationException as error:
        raise _for_account_field(error, "email") from None


def queue_farewell(*, template: str, to: str, language: str, variables: dict[str, Any]) -> Message:
    """Queue an e-mail to the former owner of a deleted account."""
    draft = MessageDraft(policy=_policy_of(Channel.EMAIL, template), language=language)
    return queue_templated_email(to=[to], template=template, context=variables, draft=draft)


def queue_sms(*, template: str, phone: str, user: User, variables: dict[str, str], request_id: str = "") -> Message:
    """Queue an SMS to `phone` in the language of `user`. It is sent after the transaction commits."""
    draft = MessageDraft(policy=_policy_of(Channel.SMS, template), user=user, request_id=request_id)
    try:
        return queue_templated_sms(to=phone, template=template, variables=variables, draft=draft)
    except ValidationException as error:
        raise _for_account_field(error, "phone") from None


def _policy_of(channel: Channel, template: str) -> Policy:
    spec = specs.find(channel, template)
    return (spec and spec.policy) or policy_of(channel, template)


def _for_account_field(error: ValidationException, field: str) -> ValidationException:
    """Return the error with the field name of the account's forms instead of `to`."""
    details = {field if name == "to" else name: entries for name, entries in error.details.items()}
    return ValidationException(details=details)
