"""Changes of the password by its owner or by staff."""

from uuid import UUID

from django.db import transaction

from accounts import signals
from accounts.exceptions import InvalidCredentialsException, OwnAccountException, ServiceAccountException
from accounts.models import User
from accounts.services import audit
from accounts.services.mfa import reauthentication
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.services.staff import protections
from accounts.states import EndReason, EventKind
from foodfleet.core.http.clients import Client
from rbac.exceptions import SuperusersOnlyException
from rbac.services import actors, decisions


def change(*, user: User, current: str, new: str, client: Client, keep: UUID | None = None) -> User:
    """Replace the user's password, end every session but `keep`, and return the changed user.

    Raises InvalidCredentialsException, AccountLockedException, WeakPasswordException or PasswordReusedException.
    """
    reauthentication.confirm_password(user=user, password=current, client=client)
    checked_hash = user.password
    encoded = passwords.validated_hash(user, new, field="new_password")
    with transaction.atomic():
        changed: User = actors.lock_actor(user)
        if changed.password != checked_hash:  # a concurrent change was first
            raise InvalidCredentialsException
        passwords.replace(changed, encoded)
        sessions.end_all(changed, reason=EndReason.PASSWORD_CHANGED, keep=keep)
        audit.record(kind=EventKind.PASSWORD_CHANGED, user=changed, client=client)
        signals.password_changed.send(
            sender=User, user=changed, report_token=tokens.issue_report_token(changed), client=client
        )
    return changed


def replace_for(*, user: User, new: str | None, actor: User | None, client: Client) -> User:
    """Set another user's password, or disable it if `new` is None, and end all their sessions.

    Only superusers may do this; other staff mail a link to choose one (`password_reset.mail_link_for`). Raises
    SuperusersOnlyException, OwnAccountException for the actor's own account, ServiceAccountException,
    WeakPasswordException, PasswordReusedException, and the exceptions of `protections.lock_parties`.
    """
    encoded = None if new is None else passwords.validated_hash(user, new)
    with transaction.atomic():
        current, changed = protections.lock_parties(actor, user.pk, "users:update")
        if current is not None and current.pk == changed.pk:  # `change` is for that: it verifies the current password
            raise OwnAccountException
        if current is not None and not decisions.holds_everything(current):
            raise SuperusersOnlyException
        if changed.is_service_account:
            raise ServiceAccountException
        if encoded is None:
            passwords.disable(changed)
        else:
            passwords.replace(changed, encoded)
        sessions.end_all(changed, reason=EndReason.PASSWORD_CHANGED)
        audit.record(kind=EventKind.PASSWORD_CHANGED, user=changed, client=client, actor=actor)
        signals.password_changed.send(
            sender=User, user=changed, report_token=tokens.issue_report_token(changed), client=client
        )
    return changed
