"""Another password, by somebody who knows the present one."""

from uuid import UUID

from django.db import transaction

from accounts import signals
from accounts.exceptions import InvalidCredentialsException, OwnAccountException
from accounts.models import User
from accounts.services import not_me, passwords, protections, reauthentication, security_events, sessions
from accounts.states import EndReason, EventKind
from foodfleet.core.clients import Client


def change(*, user: User, current: str, new: str, client: Client, keep: UUID | None = None) -> User:
    """Replace the user's password and end every session but `keep`; returns the user as they are then.

    Raises InvalidCredentialsException, AccountLockedException, WeakPasswordException or PasswordReusedException.
    """
    reauthentication.confirm_password(user=user, password=current, client=client)
    compared = user.password
    encoded = passwords.validated_hash(user, new, field="new_password")
    with transaction.atomic():
        changed: User = User.objects.held(user.pk)
        if changed.password != compared:  # of two changes at once the second no longer knows the present password
            raise InvalidCredentialsException
        passwords.replace(changed, encoded)
        sessions.end_all(changed, reason=EndReason.PASSWORD_CHANGED, keep=keep)
        security_events.record(kind=EventKind.PASSWORD_CHANGED, user=changed, client=client)
        signals.password_changed.send(sender=User, user=changed, not_me_token=not_me.issue(changed), client=client)
    return changed


def replace_for(*, user: User, new: str | None, actor: User | None, client: Client) -> User:
    """Give somebody else another password, or none that works (new: None), and end all their sessions.

    Raises SuperusersOnlyException, InsufficientPermissionsException where the user holds more than the actor,
    OwnAccountException for one's own, WeakPasswordException or PasswordReusedException.
    """
    encoded = None if new is None else passwords.validated_hash(user, new)
    with transaction.atomic():
        changed: User = User.objects.held(user.pk)
        if actor is not None and actor.pk == changed.pk:  # one's own is changed by who shows the present one
            raise OwnAccountException
        protections.ensure_may_touch(actor, changed)
        protections.ensure_may_redirect(actor, changed)
        if encoded is None:
            passwords.disable(changed)
        else:
            passwords.replace(changed, encoded)
        sessions.end_all(changed, reason=EndReason.PASSWORD_CHANGED)
        security_events.record(kind=EventKind.PASSWORD_CHANGED, user=changed, client=client, actor=actor)
        signals.password_changed.send(sender=User, user=changed, not_me_token=not_me.issue(changed), client=client)
    return changed
