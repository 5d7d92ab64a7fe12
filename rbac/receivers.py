"""What access does when something happens: fills the tables after `migrate`, and notices changes by foreign hands."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models.signals import m2m_changed, post_delete, post_migrate, post_save
from django.dispatch import receiver

from foodfleet.core import stamps
from rbac.models import Role, RoleAssignment, RoleInclusion
from rbac.services import decisions, graph, sync

TABLES = {"rbac_declaration", "core_stamp"}  # `migrate rbac zero` takes them away, and ends here too


@receiver(post_migrate, dispatch_uid="rbac.synchronise")
def synchronise_permissions(app_config: Any, verbosity: int = 1, using: str = "default", **kwargs: Any) -> None:
    """Once for each `migrate`: after the last app, when every table is there."""
    if app_config.name != "rbac" or not set(connections[using].introspection.table_names()) >= TABLES:
        return
    for sentence in sync.synchronise().changes:
        if verbosity >= 2:
            print(f"  access: {sentence}")  # noqa: T201  as Django's own post_migrate receivers do


@receiver(m2m_changed, sender=Group.permissions.through, dispatch_uid="rbac.permissions_of_group")
@receiver([post_save, post_delete], sender=Role, dispatch_uid="rbac.role")
@receiver([post_save, post_delete], sender=RoleInclusion, dispatch_uid="rbac.inclusion")
@receiver([post_save, post_delete], sender=Group, dispatch_uid="rbac.group")
@receiver([post_save, post_delete], sender=Permission, dispatch_uid="rbac.permission")
def roles_changed(action: str = "post_", **kwargs: Any) -> None:
    """Whoever changed roles without the services, as a shell may: the next check sees it all the same."""
    if action.startswith("post_"):
        graph.touch()


@receiver([post_save, post_delete], sender=RoleAssignment, dispatch_uid="rbac.assignment")
def assignment_changed(instance: RoleAssignment, **kwargs: Any) -> None:
    """The same for what a user holds."""
    stamps.renew(decisions.stamp_of(instance.user_id))
