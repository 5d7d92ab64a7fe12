"""Queries of access, by name."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import GroupManager, Permission
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

LABEL_SEPARATOR = ":"


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
        return self.annotate(users_count=Coalesce(Subquery(counted), 0))

    def matching(self, text: str) -> "RoleQuerySet":
        """Name or description contain `text`."""
        return self.filter(Q(name__icontains=text) | Q(description__icontains=text))


class RoleManager(GroupManager.from_queryset(RoleQuerySet)):  # type: ignore[misc]
    """Roles; found by name in fixtures, as groups are."""


class RoleAssignmentQuerySet(models.QuerySet[Any]):
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

    def end(self, now: datetime, by: Any) -> int:
        """End those that have not ended; returns how many did."""
        return self.filter(ended_at__isnull=True).update(ended_at=now, ended_by=by)


class RoleRevisionQuerySet(models.QuerySet[Any]):
    """What roles were."""

    def at(self, moment: datetime) -> "RoleRevisionQuerySet":
        """The newest revision of each role at `moment`."""
        newest = self.model.objects.filter(role=OuterRef("role"), created_at__lte=moment).order_by("-created_at", "-id")
        return self.filter(pk=Subquery(newest.values("pk")[:1]))


def labelled_permissions() -> models.QuerySet[Permission]:
    """The permissions that have a `resource:action` label."""
    return Permission.objects.filter(
        content_type__app_label="rbac", content_type__model="role", codename__contains=LABEL_SEPARATOR
    )
