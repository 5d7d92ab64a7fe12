"""Permissions that people add beside those that the code declares."""

import re
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac import signals
from rbac.exceptions import AlreadyThereException, DeclaredPermissionException, PermissionNotFoundException
from rbac.models import Role
from rbac.querysets import LABEL_SEPARATOR, labelled_permissions
from rbac.services import actors, graph, roles
from rbac.services.assignments import NOBODY
from rbac.services.declarations import declared

WORD = re.compile(r"[a-z][a-z0-9_]{0,48}")  # two of them and the colon are at most the 100 characters of `codename`


def create(*, actor: Any, resource: str, action: str, description: str = "", client: Client = NOBODY) -> Permission:
    """Add `resource:action`. Roles that are declared to hold everything hold it at once.

    Raises AlreadyThereException, and ValidationException for what is no name.
    """
    for field, word in (("resource", resource), ("action", action)):
        if not WORD.fullmatch(word):
            message = _("Use up to 49 small letters, digits and _, a letter first.")
            raise ValidationException.for_field(field, message, "invalid")
    label = f"{resource}{LABEL_SEPARATOR}{action}"
    with transaction.atomic():
        graph.locked()
        actors.lock_actor(actor, "permissions:create")
        content_type = ContentType.objects.get_for_model(Role)
        try:
            with transaction.atomic():
                row = Permission.objects.create(content_type=content_type, codename=label, name=description or label)
        except IntegrityError:
            raise AlreadyThereException(_("There is a permission of this name already.")) from None
        everything = list(Role.objects.live().filter(name__in=declared().all_powerful, is_system=True))
        for role in everything:
            role.permissions.add(row)
        graph.touch()
        after = graph.load()
        for role in everything:
            roles.record_revision(role, after, actor)
        signals.permission_changed.send(sender=Permission, label=label, change="created", actor=actor, client=client)
    return row


def delete(*, actor: Any, permission: Permission, client: Client = NOBODY) -> None:
    """Take a permission that people added away, from every role too.

    Raises DeclaredPermissionException, or PermissionNotFoundException where somebody was faster.
    """
    label = permission.codename
    if label in declared().labels:
        raise DeclaredPermissionException
    with transaction.atomic():
        graph.locked()
        actors.lock_actor(actor, "permissions:delete")
        holders = list(Role.objects.live().filter(permissions=permission))
        if not permission.delete()[0]:
            raise PermissionNotFoundException
        graph.touch()
        after = graph.load()
        for role in holders:
            roles.record_revision(role, after, actor)
        signals.permission_changed.send(sender=Permission, label=label, change="deleted", actor=actor, client=client)


def find(permission_id: int) -> Permission:
    """The permission of this id. Raises PermissionNotFoundException."""
    row = labelled_permissions().filter(pk=permission_id).first()
    if row is None:
        raise PermissionNotFoundException
    return row
