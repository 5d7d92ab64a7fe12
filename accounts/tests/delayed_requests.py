"""Requests whose body arrives late: something happens between their headers and their body."""

import io
import json
from datetime import timedelta

from django.utils import timezone

from accounts.models import Session, User
from accounts.services.account import deletion
from accounts.services.limits import lockout
from foodfleet.core.http.clients import Client
from rbac.models import RoleAssignment
from rbac.services import assignments


class DelayedBody(io.BytesIO):
    """A body before whose first bytes something happens."""

    def __init__(self, body, happens):
        super().__init__(body)
        self.happens = happens

    def read(self, *args):
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return super().read(*args)

    def readline(self, *args):
        self.read(0)
        return super().readline(*args)


def send(client, method, path, body, *, meanwhile, access=None):
    """Send `body` as JSON, and let `meanwhile` happen before the server reads it."""
    data = json.dumps(body).encode()
    return send_bytes(client, method, path, data, "application/json", meanwhile=meanwhile, access=access)


def send_bytes(client, method, path, data, content_type, *, meanwhile, access=None):
    """`send` for a body of any type."""
    happened = []

    def happens():
        happened.append(True)
        meanwhile()

    headers = {"Authorization": f"Bearer {access}"} if access else None
    delayed = {"wsgi.input": DelayedBody(data, happens)}
    answer = client.generic(method, path, data, content_type, headers=headers, **delayed)
    assert happened, "the body was never read"
    return answer


def demote(actor):
    """Take flags and roles away."""
    row = User.objects.get(pk=actor.pk)
    row.is_superuser = False
    row.save(update_fields=["is_superuser"])
    for held in assignments.current_of(actor):
        assignments.revoke(actor=None, user=actor, role=held.role)


def deactivate(actor):
    """Close the account."""
    User.objects.filter(pk=actor.pk).update(is_active=False)


def lock(actor):
    """Lock the account, as staff do."""
    lockout.lock(user=User.objects.get(pk=actor.pk), actor=None, client=Client())


def delete(actor):
    """Delete the account."""
    deletion.erase(User.objects.get(pk=actor.pk), actor=None, client=Client())


def log_out_everywhere(actor):
    """End every session."""
    Session.objects.of(actor).end(timezone.now(), "ended_by_owner")


def let_roles_expire(actor):
    """Let what the actor holds run out."""
    User.objects.filter(pk=actor.pk).update(is_superuser=False)
    past = timezone.now() - timedelta(seconds=1)
    for delayed in RoleAssignment.objects.of(actor):
        RoleAssignment.objects.filter(pk=delayed.pk).update(expires_at=past)


CLOSURES = {one.__name__: one for one in (deactivate, lock, delete, log_out_everywhere)}
WITHDRAWALS = {**CLOSURES, "demote": demote}
