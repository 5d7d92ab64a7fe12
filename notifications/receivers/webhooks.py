"""Queue webhooks for changes of accounts, in the transaction of the change."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from accounts.models.sessions import SessionQuerySet
from accounts.states import EventKind
from foodfleet.modules import events as modules
from notifications.models import WebhookEndpoint
from notifications.services.webhooks import events
from notifications.states import WebhookEvent

USER_EVENTS: dict[str, WebhookEvent] = {
    EventKind.REGISTERED: WebhookEvent.USER_CREATED,
    EventKind.USER_CREATED: WebhookEvent.USER_CREATED,
    EventKind.SERVICE_ACCOUNT_CREATED: WebhookEvent.USER_CREATED,
    EventKind.USER_UPDATED: WebhookEvent.USER_UPDATED,
    EventKind.SERVICE_ACCOUNT_UPDATED: WebhookEvent.USER_UPDATED,
    EventKind.EMAIL_VERIFIED: WebhookEvent.USER_UPDATED,
    EventKind.EMAIL_CHANGED: WebhookEvent.USER_UPDATED,
    EventKind.EMAIL_CHANGE_UNDONE: WebhookEvent.USER_UPDATED,
    EventKind.PHONE_CHANGED: WebhookEvent.USER_UPDATED,
    EventKind.LOCKED: WebhookEvent.USER_LOCKED,
    EventKind.UNLOCKED: WebhookEvent.USER_UNLOCKED,
    EventKind.USER_DEACTIVATED: WebhookEvent.USER_DEACTIVATED,
    EventKind.USER_ACTIVATED: WebhookEvent.USER_REACTIVATED,
}
ROLE_EVENTS: dict[str, str] = {EventKind.ROLE_GRANTED: "granted", EventKind.ROLE_REVOKED: "revoked"}


@receiver(accounts.event_recorded)
def send_event(kind: str, users: Sequence[User], details: dict[str, Any], **kwargs: Any) -> None:
    """Queue the webhooks of an event of one or many users."""
    if kind in USER_EVENTS:
        events.users_changed(USER_EVENTS[kind], users)
    elif kind in ROLE_EVENTS:
        role = {"id": details["role_id"], "name": details["role"], "scope": details["scope"]}
        change = {"change": ROLE_EVENTS[kind], "role": {**role, "expires_at": details["expires_at"]}}
        events.users_changed(WebhookEvent.USER_ROLES_CHANGED, users, **change)
    elif kind == EventKind.USER_DELETED:
        events.users_deleted(users)
    elif kind in dict(modules.kinds()):
        events.happened(modules.webhook_name(kind), details, next(iter(users), None))


@receiver(accounts.profile_changed)
def send_profile(user: User, **kwargs: Any) -> None:
    """Queue the webhooks of a change of a user's own profile."""
    events.users_changed(WebhookEvent.USER_UPDATED, [user])


@receiver(accounts.sessions_ended)
def send_sessions(sessions: SessionQuerySet, **kwargs: Any) -> None:
    """Queue the webhooks of ended sessions."""
    events.sessions_ended(sessions)


@receiver(accounts.user_deleted)
def disown_endpoints(user: User, **kwargs: Any) -> None:
    """Remove the owner from the endpoints of a deleted user."""
    WebhookEndpoint.objects.filter(owner=user).update(owner=None)
