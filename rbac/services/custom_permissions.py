"""Create and delete permissions in addition to those that the code declares."""

import re
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac import signals
from rbac.exceptions import AlreadyExistsException, DeclaredPermissionException, PermissionNotFoundException
from rbac.models import CODENAME_SEPARATOR, Role, resource_permissions
from rbac.services import actors, graph, roles
from rbac.services.assignments import SYSTEM
from rbac.services.declarations import declared

WORD = re.compile(r"[a-z][a-z0-9_]{0,48}")  # two of them and the colon fit into the 100 characters of `codename`


def create(*, actor: Any, resource: str, action: str, description: str = "", client: Client = SYSTEM) -> Permission:
    """Create `resource:action` and add it to the default roles that have every permission.

    Raises AlreadyExistsException, ValidationException for an invalid name, and the exceptions of `actors.lock_actor`.
    """
    for field, word in (("resource", resource), ("action", action)):
        if not WORD.fullmatch(word):
            message = _("Use up to 49 small letters, digits and _, a letter first.")
            raise ValidationException.for_field(field, message, "invalid")
    codename = f"{resource}{CODENAME_SEPARATOR}{action}"
    with transaction.atomic():
        graph.lock_and_load()
        actors.lock_actor(actor, "permissions:create")
        row = _insert(codename, description or codename)
        all_powerful = list(Role.objects.live().filter(name__in=declared().all_powerful, is_system=True))
        for role in all_powerful:
            role.permissions.add(row)
        graph.invalidate()
        after = graph.load()
        for role in all_powerful:
            roles.record_revision(role, after, actor)
        signals.permission_changed.send(
            sender=Permission, codename=codename, change="created", actor=actor, client=client
        )
    return row


def _insert(codename: str, description: str) -> Permission:
    content_type = ContentType.objects.get_for_model(Role)
    try:
        with transaction.atomic():
            return Permission.objects.create(content_type=content_type, codename=codename, name=description)
    except IntegrityError:
        raise AlreadyExistsException(_("There is a permission of this name already.")) from None


def delete(*, actor: Any, permission: Permission, client: Client = SYSTEM) -> None:
    """Delete a permission that the code does not declare, and remove it from every role.

    Raises DeclaredPermissionException, PermissionNotFoundException if it is already deleted, and the exceptions of
    `actors.lock_actor`.
    """
    codename = permission.codename
    if codename in declared().codenames:
        raise DeclaredPermissionException
    with transaction.atomic():
        graph.lock_and_load()
        actors.lock_actor(actor, "permissions:delete")
        holders = list(Role.objects.live().filter(permissions=permission))
        if not permission.delete()[0]:
            raise PermissionNotFoundException
        graph.invalidate()
        after = graph.load()
        for role in holders:
            roles.record_revision(role, after, actor)
        signals.permission_changed.send(
            sender=Permission, codename=codename, change="deleted", actor=actor, client=client
        )


def find(permission_id: int) -> Permission:
    """Return the permission with this id. Raises PermissionNotFoundException."""
    row = resource_permissions().filter(pk=permission_id).first()
    if row is None:
        raise PermissionNotFoundException
    return row
