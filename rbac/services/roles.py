"""Create, change and delete roles; every edit is recorded as a revision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac import signals
from rbac.exceptions import AlreadyExistsException, RoleInUseException, RoleNotFoundException
from rbac.models import Role, RoleAssignment, RoleInclusion, RoleRevision, resource_permissions
from rbac.services import actors, graph, limits
from rbac.services.assignments import SYSTEM

REQUIREMENTS = ("requires_2fa", "forbids_sms_code")  # removing one needs all codenames of the role
DELETED_NAME_LENGTH = 120  # a deleted role keeps so much of its name, followed by its id: others may use the name again


@dataclass(frozen=True)
class RoleEdit:
    """New values of a role; None keeps the current one. permissions: codenames. includes: ids of roles."""

    name: str | None = None
    description: str | None = None
    permissions: Sequence[str] | None = None
    includes: Sequence[int] | None = None
    requires_2fa: bool | None = None
    forbids_sms_code: bool | None = None


def create(*, actor: Any, edit: RoleEdit, client: Client = SYSTEM) -> Role:
    """Create a role. Raises AlreadyExistsException for a taken name, and the exceptions of `update`."""
    name = (edit.name or "").strip()
    if not name:
        raise ValidationException.for_field("name", _("Give the role a name."), "required")
    with transaction.atomic():
        before = graph.lock_and_load()
        allowed = limits.permissions_of(actors.lock_actor(actor, "roles:create"))
        try:
            with transaction.atomic():
                role: Role = Role.objects.create(name=name)
        except IntegrityError:
            raise _name_taken() from None
        _apply(role, edit, allowed, before)
        _finish(role, "created", before, actor, client)
    return role


def update(*, actor: Any, role: Role, edit: RoleEdit, client: Client = SYSTEM) -> Role:
    """Change a role.

    Raises InsufficientPermissionsException if the actor does not have everywhere the codenames that the edit adds,
    removes or protects less by role requirements, ValidationException for unknown permissions and roles and for a cycle
    of inclusions, RoleNotFoundException, AlreadyExistsException, and the exceptions of `actors.lock_actor`.
    """
    with transaction.atomic():
        before = graph.lock_and_load()
        if role.pk not in before.roles:
            raise RoleNotFoundException
        allowed = limits.permissions_of(actors.lock_actor(actor, "roles:update"))
        role.refresh_from_db()  # because it may have changed between the caller's read and the lock
        _apply(role, edit, allowed, before)
        _finish(role, "updated", before, actor, client)
    return role


def delete(*, actor: Any, role: Role, client: Client = SYSTEM) -> None:
    """Delete a role that nobody holds; its history remains. Raises RoleInUseException."""
    now = timezone.now()
    with transaction.atomic():
        before = graph.lock_and_load()
        if role.pk not in before.roles:
            raise RoleNotFoundException
        actors.lock_actor(actor, "roles:delete")
        role.refresh_from_db()
        if role.is_system:
            raise RoleInUseException(_("This role is declared in code; it cannot be deleted."))
        if RoleAssignment.objects.of_roles([role.pk]).live(now).exists():
            raise RoleInUseException(_("Users hold this role. Take it from them first."))
        if RoleInclusion.objects.filter(included=role).exists():
            raise RoleInUseException(_("Another role includes this one."))
        RoleAssignment.objects.of_roles([role.pk]).end(now, actor)
        RoleInclusion.objects.filter(role=role).delete()
        role.permissions.clear()
        role.deleted_at = now
        name = str(role.name)
        role.name = f"{name[:DELETED_NAME_LENGTH]} #{role.pk}"
        role.save(update_fields=["name", "deleted_at"])
        role.name = name
        _finish(role, "deleted", before, actor, client)


def find(role_id: int) -> Role:
    """Return the role with this id. Raises RoleNotFoundException."""
    # By `id`, because a filter by `pk` fails for ids that are too large for the column.
    role: Role | None = Role.objects.live().filter(id=role_id).first()
    if role is None:
        raise RoleNotFoundException
    return role


def revisions_of(role_id: int) -> QuerySet[RoleRevision]:
    """Return the history of a role, also of a deleted one. Raises RoleNotFoundException."""
    if not Role.objects.filter(id=role_id).exists():
        raise RoleNotFoundException
    found: QuerySet[RoleRevision] = RoleRevision.objects.filter(role=role_id)
    return found


def _apply(role: Role, edit: RoleEdit, allowed: frozenset[str] | None, before: graph.Graph) -> None:
    """Write the changes, then check them against `allowed`: the actor's permissions before the change."""
    had = before.roles[role.pk].codenames if role.pk in before.roles else frozenset()
    if edit.includes is not None:
        _include(role, edit.includes, before)
    if edit.permissions is not None:
        _permit(role, edit.permissions)
    for field in ("name", "description", *REQUIREMENTS):
        if (value := getattr(edit, field)) is not None:
            setattr(role, field, value.strip() if field == "name" else value)
    if role.is_system and role.name != before.roles[role.pk].name:
        raise ValidationException.for_field("name", _("This role is declared in code; its name stays."), "declared")
    if not role.name:
        raise ValidationException.for_field("name", _("Give the role a name."), "required")
    if Role.objects.live().filter(name__iexact=role.name).exclude(pk=role.pk).exists():
        raise _name_taken()  # because "support" and "Support" would be confused
    try:
        with transaction.atomic():
            role.save(update_fields=["name", "description", *REQUIREMENTS])
    except IntegrityError:
        raise _name_taken() from None
    after = graph.load()
    changed = after.roles[role.pk].codenames ^ had  # a removal also affects holders who have more than the actor
    limits.ensure_within(allowed, changed | _codenames_less_protected(before, after))


def _codenames_less_protected(before: graph.Graph, after: graph.Graph) -> frozenset[str]:
    """Return the codenames of all roles that require less of their holders after the edit, directly or by inclusion."""
    return frozenset().union(
        *(
            after.roles[pk].codenames
            for pk, was in before.roles.items()
            if any(getattr(was, name) and not getattr(after.roles[pk], name) for name in REQUIREMENTS)
        )
    )


def _permit(role: Role, codenames: Iterable[str]) -> None:
    requested = {graph.resolve_alias(codename) for codename in codenames}
    rows = graph.rows_for(requested)
    graph.ensure_known(requested, frozenset(row.codename for row in rows))
    # Django's own permissions of other apps, which were added in the admin, stay.
    others = role.permissions.exclude(pk__in=resource_permissions().values("pk"))
    role.permissions.set([*others, *rows])


def _include(role: Role, requested: Iterable[int], before: graph.Graph) -> None:
    ids = set(requested)
    if unknown := ids - before.roles.keys():
        unknown_ids = str(_("There is no role %(ids)s.")) % {"ids": ", ".join(map(str, sorted(unknown)))}
        raise ValidationException.for_field("includes", unknown_ids, "role_not_found")
    for included in sorted(ids):
        if role.pk in before.roles[included].reach:  # also for the role itself, which is in its own reach
            message = _("%(role)s already includes this role. Roles cannot include each other.")
            cycle = str(message) % {"role": before.roles[included].name}
            raise ValidationException.for_field("includes", cycle, "inclusion_cycle")
    existing = set(RoleInclusion.objects.filter(role=role).values_list("included_id", flat=True))
    RoleInclusion.objects.filter(role=role, included__in=existing - ids).delete()
    RoleInclusion.objects.bulk_create([RoleInclusion(role=role, included_id=pk) for pk in sorted(ids - existing)])


def _finish(role: Role, change: str, before: graph.Graph, actor: Any, client: Client) -> None:
    """Invalidate the cache, record a revision and send the signal."""
    graph.invalidate()
    after = graph.load()
    record_revision(role, after, actor)
    had = before.roles[role.pk].codenames if role.pk in before.roles else frozenset()
    has = after.roles[role.pk].codenames if role.pk in after.roles else frozenset()
    signals.role_changed.send(
        sender=Role,
        role=role,
        change=change,
        gained=sorted(has - had),
        lost=sorted(had - has),
        actor=actor,
        client=client,
    )


def record_revision(role: Role, roles: graph.Graph, actor: Any) -> None:
    """Record the current state of the role as a revision. roles: the graph after the change."""
    node = roles.roles.get(role.pk)
    included = RoleInclusion.objects.filter(role=role).values_list("included_id", flat=True)
    RoleRevision.objects.create(
        role=role,
        name=role.name,
        permissions=sorted(node.own) if node else [],
        included_roles=sorted(included),
        requires_2fa=role.requires_2fa,
        forbids_sms_code=role.forbids_sms_code,
        is_deleted=node is None,
        created_by=actor,
    )


def _name_taken() -> AlreadyExistsException:
    return AlreadyExistsException(_("There is a role of this name already."))
