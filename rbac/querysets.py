"""Queries of access, by name."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import GroupManager, Permission
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from foodfleet.core.database.search import matching

LABEL_SEPARATOR = ":"
NEVER_DELETED = "Who held what, and what roles were, is never deleted."
NEVER_CHANGED = "What roles and users were is never changed."


class RoleQuerySet(models.QuerySet[Any]):
    """Roles."""

    def live(self) -> "RoleQuerySet":
        """Not deleted."""
        return self.filter(deleted_at__isnull=True)

    def with_users_count(self, now: datetime) -> "RoleQuerySet":
        """Each with `users_count`: how many users hold it at `now`, wherever."""
        assignments = self.model._meta.get_field("assignments").related_model.objects
        counted = (
            assignments.live(now)
            .filter(role=OuterRef("pk"))
            .values("role")
            .annotate(n=Count("user", distinct=True))
            .values("n")
        )
        counting: RoleQuerySet = self.annotate(users_count=Coalesce(Subquery(counted), 0))
        return counting

    def matching(self, text: str) -> "RoleQuerySet":
        """Name and description contain each word of `text`."""
        return matching(self, text, "name", "description")


class RoleManager(GroupManager.from_queryset(RoleQuerySet)):  # type: ignore[misc]
    """Roles; found by name in fixtures, as groups are."""


class KeptQuerySet(models.QuerySet[Any]):
    """Rows that are history: nobody deletes them through the ORM."""

    def delete(self) -> tuple[int, dict[str, int]]:
        raise PermissionDenied(NEVER_DELETED)


class AppendedQuerySet(KeptQuerySet):
    """Rows that nobody changes either."""

    def update(self, **kwargs: Any) -> int:
        raise PermissionDenied(NEVER_CHANGED)

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("update_conflicts"):
            raise PermissionDenied(NEVER_CHANGED)
        return super().bulk_create(objs, *args, **kwargs)


class RoleAssignmentQuerySet(KeptQuerySet):
    """Assignments of roles to users."""

    def live(self, now: datetime) -> "RoleAssignmentQuerySet":
        """Not ended, and not past their expiry at `now`."""
        return self.unended().filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))

    def unended(self) -> "RoleAssignmentQuerySet":
        """Nobody ended them; they may have expired."""
        return self.filter(ended_at__isnull=True)

    def held_at(self, moment: datetime) -> "RoleAssignmentQuerySet":
        """In force at `moment`, whenever that was or will be."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=moment),
            Q(ended_at__isnull=True) | Q(ended_at__gt=moment),
            granted_at__lte=moment,
        )

    def of(self, user: Any) -> "RoleAssignmentQuerySet":
        """Of one user."""
        return self.filter(user=user)

    def of_roles(self, role_ids: Iterable[int]) -> "RoleAssignmentQuerySet":
        """Of any of these roles."""
        return self.filter(role__in=list(role_ids))

    def in_scope(self, scope: str) -> "RoleAssignmentQuerySet":
        """Given for exactly this scope; '' is everywhere."""
        return self.filter(scope=scope)

    def over_at(self, moment: datetime) -> "RoleAssignmentQuerySet":
        """Ended or expired at `moment`."""
        return self.filter(Q(expires_at__lte=moment) | Q(ended_at__lte=moment))

    def without_cover_of(self, role_ids: Iterable[int], now: datetime) -> "RoleAssignmentQuerySet":
        """Whose user holds none of these roles where this assignment counts."""
        role_ids = list(role_ids)
        if not role_ids:
            return self
        cover = (
            self.model.objects.live(now)
            .of_roles(role_ids)
            .filter(Q(scope="") | Q(scope=OuterRef("scope")), user=OuterRef("user"))
        )
        return self.exclude(Exists(cover))

    def held_beside(self, role_ids: Iterable[int], now: datetime) -> models.QuerySet[Any, int]:
        """Ids of all other roles, each once, that the holders of these roles hold."""
        holders = self.of_roles(role_ids).live(now).values("user")
        others = self.live(now).exclude(role__in=list(role_ids))
        return others.filter(user__in=holders).order_by().values_list("role", flat=True).distinct()

    def people(self) -> models.QuerySet[Any]:
        """The active users of these assignments, superusers aside, each once."""
        users: models.QuerySet[Any] = get_user_model()._default_manager.filter(is_active=True, is_superuser=False)
        return users.filter(pk__in=self.values("user"))

    def end(self, now: datetime, by: Any) -> int:
        """End those that have not ended; returns how many did."""
        return self.filter(ended_at__isnull=True).update(ended_at=now, ended_by=by)


class RoleRevisionQuerySet(AppendedQuerySet):
    """What roles were."""

    def at(self, moment: datetime) -> "RoleRevisionQuerySet":
        """The newest revision of each role at `moment`."""
        newest = self.model.objects.filter(role=OuterRef("role"), created_at__lte=moment).order_by("-created_at", "-id")
        return self.filter(pk=Subquery(newest.values("pk")[:1]))

    def that_gave(self, role_id: int, label: str, moment: datetime) -> Any:
        """The revision since which the role had `label` as its own at `moment`; None where it did not have it."""
        found = None
        for revision in self.filter(role=role_id, created_at__lte=moment).order_by("-created_at", "-id").iterator(50):
            if label not in revision.permissions:
                break
            found = revision
        return found


class StandingQuerySet(AppendedQuerySet):
    """What users were."""

    def of(self, user: Any) -> "StandingQuerySet":
        """Of one user."""
        return self.filter(user=user)


def labelled_permissions() -> models.QuerySet[Permission]:
    """The permissions that have a `resource:action` label."""
    return Permission.objects.filter(
        content_type__app_label="rbac", content_type__model="role", codename__contains=LABEL_SEPARATOR
    )


def permissions_matching(text: str) -> models.QuerySet[Permission]:
    """Those whose label and description contain each word of `text`."""
    return matching(labelled_permissions(), text, "codename", "name")
