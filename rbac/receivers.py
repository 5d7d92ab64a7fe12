"""Signal receivers: synchronise permissions after `migrate`, and invalidate caches after changes without services."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db.models.signals import m2m_changed, post_delete, post_migrate, post_save, pre_delete
from django.dispatch import receiver

from foodfleet.core.database import tables
from foodfleet.core.models import CacheVersion
from rbac.models import Declaration, Role, RoleAssignment, RoleInclusion, RoleRevision, Scope
from rbac.services import assignments, decisions, graph, sync, users

MODELS = (Declaration, Role, RoleAssignment, RoleInclusion, RoleRevision, Scope, CacheVersion)


@receiver(post_migrate, dispatch_uid="rbac.synchronise")
def synchronise_permissions(app_config: Any, verbosity: int = 1, using: str = "default", **kwargs: Any) -> None:
    """Synchronise permissions and default roles, once in a `migrate` and when every table exists."""
    if app_config.name != "rbac" or not tables.are_current(*MODELS, using=using):
        return
    report = sync.synchronise()
    if verbosity >= 2 or not report.is_first:
        for sentence in report.changes if verbosity else ():
            print(f"  access: {sentence}")  # noqa: T201  as Django's own post_migrate receivers do
    elif verbosity:
        print(f"  access: added {len(report.changes)} permissions and roles")  # noqa: T201


@receiver(m2m_changed, sender=Group.permissions.through, dispatch_uid="rbac.permissions_of_group")
@receiver([post_save, post_delete], sender=Role, dispatch_uid="rbac.role")
@receiver([post_save, post_delete], sender=RoleInclusion, dispatch_uid="rbac.inclusion")
@receiver([post_save, post_delete], sender=Group, dispatch_uid="rbac.group")
@receiver([post_save, post_delete], sender=Permission, dispatch_uid="rbac.permission")
@receiver([post_save, post_delete], sender=Scope, dispatch_uid="rbac.scope")
def roles_changed(action: str = "post_", **kwargs: Any) -> None:
    """Invalidate cached roles and scopes, also after a change without the services, such as in a shell."""
    if action.startswith("post_"):
        graph.invalidate()


@receiver([post_save, post_delete], sender=RoleAssignment, dispatch_uid="rbac.assignment")
def assignment_changed(instance: RoleAssignment, **kwargs: Any) -> None:
    """Invalidate the cached assignments of the user."""
    decisions.invalidate(instance.user_id)


@receiver(post_save, sender=settings.AUTH_USER_MODEL, dispatch_uid="rbac.user_status")
def user_saved(instance: Any, update_fields: Any = None, raw: bool = False, **kwargs: Any) -> None:
    """Record whether the user is active and a superuser, for explanations of past permissions."""
    if not raw and (update_fields is None or {"is_active", "is_superuser"} & set(update_fields)):
        users.record_status(instance)


@receiver(pre_delete, sender=settings.AUTH_USER_MODEL, dispatch_uid="rbac.user_deleted")
def user_deleted(instance: Any, **kwargs: Any) -> None:
    """End the assignments of a deleted user; they remain as history."""
    assignments.end_all_of_deleted(instance)
