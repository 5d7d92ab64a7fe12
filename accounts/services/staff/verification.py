"""The confirmation of a user's e-mail address, sent again by staff."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import audit
from accounts.services.account import registration
from accounts.services.staff import protections
from accounts.states import EventKind
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import ensure_staff_may_mail


def resend(*, pk: int, actor: User | None, client: Client) -> User:
    """Mail another link to confirm the address.

    Raises ConflictException where it is confirmed or the account deactivated, ThrottledException where the address was
    mailed too often, and as `protections.lock_parties`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, "users:update")
        if user.is_email_verified or not user.is_active:
            raise ConflictException(_("This address is confirmed already, or the account is deactivated."))
        ensure_staff_may_mail(user.email)
        registration.mail_confirmation(user, client=client)
        audit.record(kind=EventKind.VERIFICATION_RESENT, user=user, client=client, actor=actor)
    return user
