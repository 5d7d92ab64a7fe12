"""Deletion of accounts: personal data is removed, audit rows stay under a pseudonym.

The emptied row stays with the address `deleted-<id>@deleted.invalid`, so that audit rows (security events, role
assignments, the admin's log) go on referring to the same person, who is no longer known. RFC 2606 reserves `.invalid`:
it is never a real address.
"""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.db import models, transaction
from django.utils import timezone

from accounts import signals
from accounts.models import SecurityEvent, ServiceAccount, User
from accounts.services import audit
from accounts.services.limits import lockout
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind
from foodfleet.core.http.clients import Client
from foodfleet.core.models import SavedView
from rbac.services import assignments, scopes


def erase(user: User, *, actor: User | None, client: Client) -> None:
    """Remove the personal data and the credentials of `user`. Checks no permission."""
    with transaction.atomic():
        sessions.end_all(user, reason=EndReason.DELETED)
        assignments.end_all_of_deleted(user)
        scopes.remove_all_of_deleted(user)
        lockout.forget(user.email)
        signals.user_deleted.send(sender=User, user=user, actor=actor, client=client)
        ServiceAccount.objects.filter(owner=user).update(owner=None)
        _remove_belongings(user)
        _empty(user)
        SecurityEvent.objects.pseudonymise(user)
        LogEntry.objects.filter(content_type__app_label="accounts", object_id=str(user.pk)).update(
            object_repr=user.email
        )
        audit.record(kind=EventKind.USER_DELETED, user=user, client=client, actor=actor)


def _remove_belongings(user: User) -> None:
    """Delete the rows that belong to the user and are no audit rows: sessions, tokens, MFA methods, saved views.

    Those of this app and of the kernel; other apps receive `signals.user_deleted` and decide about theirs.
    """
    apps = {User._meta.app_label, SavedView._meta.app_label}
    for relation in user._meta.related_objects:
        belongs = relation.on_delete is models.CASCADE
        if belongs and relation.related_model._meta.app_label in apps:
            relation.related_model._base_manager.filter(**{relation.field.name: user}).delete()


def _empty(user: User) -> None:
    empty: dict[str, Any] = {
        "email": f"deleted-{user.pk}@deleted.invalid",
        "password": make_password(None),
        **dict.fromkeys(("first_name", "last_name", "phone", "language"), ""),
        **dict.fromkeys(("is_active", "is_staff", "is_superuser", "must_change_password"), False),
        **dict.fromkeys(("email_verified_at", "phone_verified_at", "invited_at", "last_login", "locked_at"), None),
        "attributes": {},
        "deletion_due_at": None,
        "deleted_at": timezone.now(),
    }
    for name, value in empty.items():
        setattr(user, name, value)
    user.save(update_fields=list(empty))
