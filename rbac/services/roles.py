"""Making, changing and deleting roles. Every edit leaves a revision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac import signals
from rbac.exceptions import AlreadyThereException, RoleInUseException, RoleNotFoundException
from rbac.models import Role, RoleAssignment, RoleInclusion, RoleRevision
from rbac.querysets import labelled_permissions
from rbac.services import actors, graph, limits
from rbac.services.assignments import NOBODY
from rbac.services.people import LARGEST_ID

DEMANDS = ("requires_2fa", "forbids_sms_code")  # of its holders; to take one away takes holding all that the role has
DELETED_NAME_LENGTH = 120  # what stays of a deleted role's name beside its id: names are unique, and free again


@dataclass(frozen=True)
class RoleEdit:
    """What a role is to be; None leaves it as it is. permissions: labels. includes: ids of roles."""

    name: str | None = None
    description: str | None = None
    permissions: Sequence[str] | None = None
    includes: Sequence[int] | None = None
    requires_2fa: bool | None = None
    forbids_sms_code: bool | None = None


def create(*, actor: Any, edit: RoleEdit, client: Client = NOBODY) -> Role:
    """Make a role. Raises AlreadyThereException for a taken name, and what `update` raises."""
    name = (edit.name or "").strip()
    if not name:
        raise ValidationException.for_field("name", _("Give the role a name."), "required")
    with transaction.atomic():
        before = graph.locked()
        held = limits.held_by(actors.lock_actor(actor, "roles:create"))
        try:
            with transaction.atomic():
                role: Role = Role.objects.create(name=name)
        except IntegrityError:
            raise _taken() from None
        _apply(role, edit, held, before)
        _finish(role, "created", before, actor, client)
    return role


def update(*, actor: Any, role: Role, edit: RoleEdit, client: Client = NOBODY) -> Role:
    """Change a role.

    Raises InsufficientPermissionsException for labels that the actor would add, take away or leave less protected
    without holding them everywhere,
    PermissionNotFound and RoleNotFound as ValidationException of their field, and one for a cycle of inclusions.
    """
    with transaction.atomic():
        before = graph.locked()
        if role.pk not in before.roles:
            raise RoleNotFoundException
        held = limits.held_by(actors.lock_actor(actor, "roles:update"))
        role.refresh_from_db()  # the caller read it before the lock; what others changed since then stays
        _apply(role, edit, held, before)
        _finish(role, "updated", before, actor, client)
    return role


def delete(*, actor: Any, role: Role, client: Client = NOBODY) -> None:
    """Take a role that nobody holds out of use; its history stays. Raises RoleInUseException."""
    now = timezone.now()
    with transaction.atomic():
        before = graph.locked()
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
        called = str(role.name)
        role.name = f"{called[:DELETED_NAME_LENGTH]} #{role.pk}"
        role.save(update_fields=["name", "deleted_at"])
        role.name = called
        _finish(role, "deleted", before, actor, client)


def find(role_id: int) -> Role:
    """The role of this id. Raises RoleNotFoundException."""
    role: Role | None = Role.objects.live().filter(pk=role_id).first() if role_id <= LARGEST_ID else None
    if role is None:
        raise RoleNotFoundException
    return role


def _apply(role: Role, edit: RoleEdit, held: frozenset[str] | None, before: graph.Graph) -> None:
    """Write what is to change, then compare the roles with what the actor held before; held: see `limits.held_by`."""
    had = before.roles[role.pk].labels if role.pk in before.roles else frozenset()
    if edit.includes is not None:
        _include(role, edit.includes, before)
    if edit.permissions is not None:
        _permit(role, edit.permissions)
    for field in ("name", "description", *DEMANDS):
        if (value := getattr(edit, field)) is not None:
            setattr(role, field, value.strip() if field == "name" else value)
    if role.is_system and role.name != before.roles[role.pk].name:
        raise ValidationException.for_field("name", _("This role is declared in code; its name stays."), "declared")
    if not role.name:
        raise ValidationException.for_field("name", _("Give the role a name."), "required")
    if Role.objects.live().filter(name__iexact=role.name).exclude(pk=role.pk).exists():
        raise _taken()  # "support" beside "Support" is a trap for whoever assigns them
    try:
        with transaction.atomic():
            role.save(update_fields=["name", "description", *DEMANDS])
    except IntegrityError:
        raise _taken() from None
    after = graph.load()
    changed = after.roles[role.pk].labels ^ had  # what is taken away is taken from people who may hold more
    limits.ensure_within(held, changed | _labels_less_protected(before, after))


def _labels_less_protected(before: graph.Graph, after: graph.Graph) -> frozenset[str]:
    """The labels of all roles that demand less of their holders after an edit, of this role or by inclusion."""
    return frozenset().union(
        *(
            after.roles[pk].labels
            for pk, was in before.roles.items()
            if any(getattr(was, demand) and not getattr(after.roles[pk], demand) for demand in DEMANDS)
        )
    )


def _permit(role: Role, labels: Iterable[str]) -> None:
    wanted = {graph.canonical(label) for label in labels}
    rows = graph.rows_for(wanted)
    graph.ensure_known(wanted, frozenset(row.codename for row in rows))
    # Rows without a label, such as Django's own for foreign apps, are given in the admin and stay.
    kept = role.permissions.exclude(pk__in=labelled_permissions().values("pk"))
    role.permissions.set([*kept, *rows])


def _include(role: Role, wanted: Iterable[int], before: graph.Graph) -> None:
    ids = set(wanted)
    if unknown := ids - before.roles.keys():
        unknown_ids = str(_("There is no role %(ids)s.")) % {"ids": ", ".join(map(str, sorted(unknown)))}
        raise ValidationException.for_field("includes", unknown_ids, "role_not_found")
    for included in sorted(ids):
        if role.pk in before.roles[included].reach:  # its own reach has it too
            message = _("%(role)s includes this role already: roles cannot go round in a circle.")
            circle = str(message) % {"role": before.roles[included].name}
            raise ValidationException.for_field("includes", circle, "inclusion_cycle")
    existing = set(RoleInclusion.objects.filter(role=role).values_list("included_id", flat=True))
    RoleInclusion.objects.filter(role=role, included__in=existing - ids).delete()
    RoleInclusion.objects.bulk_create([RoleInclusion(role=role, included_id=pk) for pk in sorted(ids - existing)])


def _finish(role: Role, change: str, before: graph.Graph, actor: Any, client: Client) -> None:
    """Leave a revision, tell every process, announce."""
    graph.touch()
    after = graph.load()
    record_revision(role, after, actor)
    had = before.roles[role.pk].labels if role.pk in before.roles else frozenset()
    has = after.roles[role.pk].labels if role.pk in after.roles else frozenset()
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
    """Keep what the role is from now on."""
    facts = roles.roles.get(role.pk)
    included = RoleInclusion.objects.filter(role=role).values_list("included_id", flat=True)
    RoleRevision.objects.create(
        role=role,
        name=role.name,
        permissions=sorted(facts.own) if facts else [],
        included_roles=sorted(included),
        requires_2fa=role.requires_2fa,
        forbids_sms_code=role.forbids_sms_code,
        is_deleted=facts is None,
        created_by=actor,
    )


def _taken() -> AlreadyThereException:
    return AlreadyThereException(_("There is a role of this name already."))
