"""What differs between two roles, and between one revision of a role and the next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rbac.models import Role, RoleRevision
from rbac.services import graph

FIELDS = ("name", "requires_2fa", "forbids_sms_code", "is_deleted")


@dataclass(frozen=True)
class Comparison:
    """The permissions that both roles have, and those of one alone, including inherited ones."""

    both: tuple[str, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A revision, and what it changed. included, excluded: names of roles. fields: other fields that changed."""

    revision: RoleRevision
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    fields: tuple[tuple[Any, Any, Any], ...] = ()


def compare(left: int, right: int) -> Comparison:
    """Return what the two roles have in common, and what only one of them has."""
    roles = graph.latest().roles
    own, other = roles[left].codenames, roles[right].codenames
    return Comparison(*(tuple(sorted(part)) for part in (own & other, own - other, other - own)))


def changes(revisions: Sequence[RoleRevision]) -> list[Change]:
    """Return what each revision changed, against the one after it in the list, which is older; the last is a start."""
    ids = {included for revision in revisions for included in revision.included_roles}
    names = {role.pk: str(role.name) for role in Role.objects.filter(pk__in=ids)}
    older: list[RoleRevision | None] = [*revisions[1:], None]
    return [_change(revision, before, names) for revision, before in zip(revisions, older, strict=True)]


def _change(revision: RoleRevision, before: RoleRevision | None, names: dict[int, str]) -> Change:
    had, has = set(before.permissions if before else ()), set(revision.permissions)
    was, now = set(before.included_roles if before else ()), set(revision.included_roles)
    pairs = [(name, getattr(before or revision, name), getattr(revision, name)) for name in FIELDS]
    return Change(
        revision,
        added=tuple(sorted(has - had)),
        removed=tuple(sorted(had - has)),
        included=_named(now - was, names),
        excluded=_named(was - now, names),
        fields=tuple(pair for pair in pairs if pair[1] != pair[2]),
    )


def _named(ids: Iterable[int], names: dict[int, str]) -> tuple[str, ...]:
    return tuple(sorted(names.get(pk, f"#{pk}") for pk in ids))
