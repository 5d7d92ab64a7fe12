"""Export of all data about one user."""

from typing import Any

from django.db.models import Model
from django.utils import timezone

from accounts import signals
from accounts.models import ApiKey, Session, User
from accounts.services import audit
from accounts.states import EventKind
from foodfleet.core.http.clients import Client
from rbac.models import RoleAssignment, ScopeMembership

PROFILE = (
    "id", "email", "first_name", "last_name", "phone", "language", "email_verified_at", "phone_verified_at",
    "is_active", "is_staff", "is_superuser", "created_at", "last_login", "invited_at",
    "attributes",
)  # fmt: skip
SESSION = (
    "id", "device_name", "user_agent", "ip", "created_at", "last_used_at", "expires_at", "ended_at", "end_reason",
)  # fmt: skip
API_KEY = (
    "id", "name", "prefix", "permissions", "allowed_networks", "created_at", "expires_at", "last_used_at", "revoked_at",
)  # fmt: skip
EVENT = ("kind", "created_at", "ip", "user_agent", "request_id", "details")


def own_data(*, user: User, client: Client) -> dict[str, Any]:
    """Return all data stored about `user` as sections of JSON; receivers of `own_data_requested` add sections."""
    assignments = RoleAssignment.objects.of(user).select_related("role").order_by("pk")
    data: dict[str, Any] = {
        "exported_at": timezone.now(),
        "profile": _values(user, PROFILE),
        "roles": [
            {"role": one.role.name, **_values(one, ("scope", "granted_at", "expires_at", "ended_at"))}
            for one in assignments
        ],
        "scopes": [
            {"scope": one.scope_id, "name": one.scope.name, "added_at": one.created_at}
            for one in ScopeMembership.objects.of(user).select_related("scope").order_by("pk")
        ],
        "sessions": list(Session.objects.of(user).order_by("-created_at").values(*SESSION)),
        "api_keys": list(ApiKey.objects.of(user.pk).order_by("-created_at").values(*API_KEY)),
        "events": list(user.security_events.order_by("-pk").values(*EVENT)),
    }
    for _receiver, answer in signals.own_data_requested.send(sender=User, user=user, client=client):
        data.update(answer if isinstance(answer, dict) else {})
    audit.record(kind=EventKind.DATA_EXPORTED, user=user, client=client)
    return data


def _values(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
