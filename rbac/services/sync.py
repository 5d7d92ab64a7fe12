"""Synchronise permissions and default roles with the declarations of the code. Changes by staff are kept."""

from dataclasses import dataclass, field

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from rbac.models import Declaration, Role, resource_permissions
from rbac.permissions import DefaultRole
from rbac.services import graph, roles
from rbac.services.declarations import Declared, declared

PERMISSIONS = "permissions"


@dataclass
class Report:
    """The changes that were or would be made, a sentence for each. is_first: the database was empty."""

    changes: list[str] = field(default_factory=list)
    is_first: bool = False

    def add(self, sentence: str) -> None:
        """Add the sentence of a change."""
        self.changes.append(sentence)


def synchronise(wanted: Declared | None = None) -> Report:
    """Create, rename and remove permissions and default roles to match the code, and report each change.

    wanted: the declarations to match; by default those of the installed apps.
    """
    wanted = wanted or declared()
    report = Report()
    with transaction.atomic():
        if _is_synchronised(wanted):
            return report
        graph.lock_and_load()
        before = _last(PERMISSIONS)
        report.is_first = not before
        _rename(before, wanted, report)
        _add_permissions(wanted, report)
        for role, codenames in wanted.roles.items():
            _rename_role(role, report)
            _sync_role(role, codenames, wanted, report)
        _retire_roles(wanted, report)
        _retire_permissions(before - wanted.codenames.keys() - wanted.renamed.keys(), wanted, report)
        _remember(PERMISSIONS, frozenset(wanted.codenames))
        graph.invalidate()
    return report


class _RolledBackError(Exception):
    """Rolls a dry run back."""


def dry_run(wanted: Declared | None = None) -> Report:
    """Return the changes that `synchronise` would make, without making them."""
    report = Report()
    try:
        with transaction.atomic():
            report = synchronise(wanted)
            raise _RolledBackError
    except _RolledBackError:
        return report


def _is_synchronised(wanted: Declared) -> bool:
    """Return whether there is nothing to do. It takes few queries, because it runs at each start."""
    rows = dict(resource_permissions().values_list("codename", "name"))
    last = {name: frozenset(codenames) for name, codenames in Declaration.objects.values_list("name", "codenames")}
    expected = {PERMISSIONS: frozenset(wanted.codenames), **{_key(r.name): own for r, own in wanted.roles.items()}}
    expected |= {_requirements_key(role.name): _requirements(role) for role in wanted.roles if _requirements(role)}
    return (
        last == expected
        and wanted.codenames.items() <= rows.items()
        and Role.objects.live().filter(is_system=True, name__in=[r.name for r in wanted.roles]).count()
        == len(wanted.roles)
    )


def _rename(before: frozenset[str], wanted: Declared, report: Report) -> None:
    """Rename permissions that the code declared. A permission that staff created under the old name stays."""
    for old, new in wanted.renamed.items():
        row = resource_permissions().filter(codename=old).first()
        if row is None or old not in before:
            continue
        holders = list(Role.objects.live().filter(permissions=row))
        existing = resource_permissions().filter(codename=new).first()
        if existing is None:
            row.codename = new
            row.save(update_fields=["codename"])
        else:
            for role in holders:
                role.permissions.add(existing)
            row.delete()
        report.add(f"renamed {old} to {new}; assignments are kept")
        _record(holders)


def _add_permissions(wanted: Declared, report: Report) -> None:
    rows = {row.codename: row for row in resource_permissions()}
    content_type = ContentType.objects.get_for_model(Role)
    new = [
        Permission(content_type=content_type, codename=codename, name=sentence)
        for codename, sentence in wanted.codenames.items()
        if codename not in rows
    ]
    Permission.objects.bulk_create(new)
    for row in new:
        report.add(f"added permission {row.codename}")
    for codename, sentence in wanted.codenames.items():
        if codename in rows and rows[codename].name != sentence:
            resource_permissions().filter(codename=codename).update(name=sentence)
            report.add(f"changed the description of {codename}")


def _rename_role(declaration: DefaultRole, report: Report) -> None:
    old, new = declaration.renamed_from, declaration.name
    if not old or Role.objects.live().filter(name=new).exists():
        return
    role = Role.objects.live().filter(name=old, is_system=True).first()
    if role is not None:
        role.name = new
        role.save(update_fields=["name"])
        for key in (_key, _requirements_key):
            Declaration.objects.filter(name=key(old)).update(name=key(new))
        report.add(f"renamed role {old} to {new}; assignments are kept")
        _record([role])


def _sync_role(declaration: DefaultRole, codenames: frozenset[str], wanted: Declared, report: Report) -> None:
    """Create a default role, or apply the changes of its declaration since the last time; edits by staff stay."""
    role = Role.objects.live().filter(name=declaration.name).first()
    is_new = role is None
    last = frozenset(wanted.renamed.get(codename, codename) for codename in _last(_key(declaration.name)))
    if role is None:
        role = Role.objects.create(
            name=declaration.name,
            description=declaration.description,
            requires_2fa=declaration.requires_2fa,
            is_system=True,
        )
        last = frozenset()
        report.add(f"added role {role.name}")
    elif not role.is_system:
        role.is_system = True
        role.save(update_fields=["is_system"])
        report.add(f"role {role.name} is now declared in code; changes made by people stay")
    gained, lost = codenames - last, last - codenames
    current = set(role.permissions.values_list("codename", flat=True))
    role.permissions.add(*graph.rows_for(gained - current))
    role.permissions.remove(*graph.rows_for(lost & current))
    changed = sorted(gained - current), sorted(lost & current)
    if any(changed):
        report.add(f"role {role.name}: gained {', '.join(changed[0]) or '-'}; lost {', '.join(changed[1]) or '-'}")
    if _apply_requirements(role, declaration, report) or is_new or any(changed):
        _record([role])
    _remember(_key(declaration.name), codenames)


def _apply_requirements(role: Role, declaration: DefaultRole, report: Report) -> bool:
    """Apply newly declared requirements and return whether anything changed; edits by staff stay."""
    requirements, key = _requirements(declaration), _requirements_key(declaration.name)
    new = [name for name in requirements - _last(key) if not getattr(role, name)]
    if new:
        for name in new:
            setattr(role, name, True)
        role.save(update_fields=new)
        report.add(f"role {role.name}: now {', '.join(new)}")
    Declaration.objects.filter(name=key).delete()
    if requirements:
        _remember(key, requirements)
    return bool(new)


def _retire_roles(wanted: Declared, report: Report) -> None:
    for role in Role.objects.live().filter(is_system=True).exclude(name__in=[role.name for role in wanted.roles]):
        role.is_system = False
        role.save(update_fields=["is_system"])
        Declaration.objects.filter(name__in=[_key(role.name), _requirements_key(role.name)]).delete()
        report.add(f"role {role.name} is no longer declared; it stays and can be deleted")


def _retire_permissions(gone: frozenset[str], wanted: Declared, report: Report) -> None:
    for row in resource_permissions().filter(codename__in=gone):
        if row.group_set.exists():
            all_powerful = list(Role.objects.live().filter(is_system=True, name__in=wanted.all_powerful))
            for role in all_powerful:
                role.permissions.add(row)  # because it counts as added by staff from now on
            _record(all_powerful)
            report.add(f"{row.codename} is no longer declared; roles that people changed have it, so it stays")
        else:
            row.delete()
            report.add(f"removed permission {row.codename}")


def _record(changed: list[Role]) -> None:
    """Record a revision of each of these roles."""
    now = graph.load()
    for role in changed:
        roles.record_revision(role, now, None)


def _key(role_name: str) -> str:
    return f"role:{role_name}"


def _requirements_key(role_name: str) -> str:
    return f"requirements:{role_name}"


def _requirements(declaration: DefaultRole) -> frozenset[str]:
    return frozenset({"requires_2fa"} if declaration.requires_2fa else ())


def _last(name: str) -> frozenset[str]:
    codenames = Declaration.objects.filter(name=name).values_list("codenames", flat=True).first()
    return frozenset(codenames or ())


def _remember(name: str, codenames: frozenset[str]) -> None:
    Declaration.objects.update_or_create(name=name, defaults={"codenames": sorted(codenames)})
