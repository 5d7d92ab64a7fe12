"""Deletion of accounts: personal data is removed, audit rows stay under a pseudonym.

The row of the user stays, with the address `deleted-<id>@deleted.invalid` and no personal data, because audit rows
(security events, role assignments, the admin's log) refer to it. RFC 2606 reserves `.invalid`, so nobody can own that
address.
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
        _pseudonymise(user)
        SecurityEvent.objects.pseudonymise(user)
        LogEntry.objects.filter(content_type__app_label="accounts", object_id=str(user.pk)).update(
            object_repr=user.email
        )
        audit.record(kind=EventKind.USER_DELETED, user=user, client=client, actor=actor)


def _remove_belongings(user: User) -> None:
    """Delete the rows of accounts and core that belong to the user: sessions, tokens, MFA methods, saved views.

    Audit rows stay. Other apps receive `signals.user_deleted` and decide about their own rows.
    """
    apps = {User._meta.app_label, SavedView._meta.app_label}
    for relation in user._meta.related_objects:
        belongs_to_user = relation.on_delete is models.CASCADE
        if belongs_to_user and relation.related_model._meta.app_label in apps:
            relation.related_model._base_manager.filter(**{relation.field.name: user}).delete()


def _pseudonymise(user: User) -> None:
    values: dict[str, Any] = {
        "email": f"deleted-{user.pk}@deleted.invalid",
        "password": make_password(None),
        **dict.fromkeys(("first_name", "last_name", "phone", "language"), ""),
        **dict.fromkeys(("is_active", "is_staff", "is_superuser", "must_change_password"), False),
        **dict.fromkeys(("email_verified_at", "phone_verified_at", "invited_at", "last_login", "locked_at"), None),
        "attributes": {},
        "deletion_due_at": None,
        "deleted_at": timezone.now(),
    }
    for name, value in values.items():
        setattr(user, name, value)
    user.save(update_fields=list(values))
