"""Roles, their inclusions, assignments and history.

A role is a group of Django, and a permission is a row of `auth_permission`, so that Django's own code reads the same
data. No history is deleted: assignments end, and edits of roles are recorded as revisions.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, GroupManager, Permission
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.database.search import matching
from foodfleet.core.models import AppendOnly, AppendOnlyQuerySet, Undeletable, UndeletableQuerySet

CODENAME_SEPARATOR = ":"


class RoleQuerySet(models.QuerySet["Role"]):
    """Roles."""

    def live(self) -> "RoleQuerySet":
        """Filter roles that are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def with_users_count(self, now: datetime) -> "RoleQuerySet":
        """Annotate `users_count`: how many users hold the role at `now`, in any scope."""
        counted = (
            RoleAssignment.objects.live(now)
            .filter(role=OuterRef("pk"))
            .values("role")
            .annotate(n=Count("user", distinct=True))
            .values("n")
        )
        counting: RoleQuerySet = self.annotate(users_count=Coalesce(Subquery(counted), 0))
        return counting

    def matching(self, text: str) -> "RoleQuerySet":
        """Filter roles whose name and description contain each word of `text`."""
        return matching(self, text, "name", "description")


class RoleManager(GroupManager.from_queryset(RoleQuerySet)):  # type: ignore[misc]
    """Manager of roles, with the natural keys of groups."""


class Role(Group):
    """A named set of permissions that is assigned to users."""

    description = models.TextField(_("description"), blank=True, default="")
    requires_2fa = models.BooleanField(_("requires two-factor authentication"), default=False)
    forbids_sms_code = models.BooleanField(
        _("forbids codes by text message"),
        default=False,
        db_default=False,
        help_text=_("Its holders must use an authenticator app, passkey or backup code instead."),
    )
    is_system = models.BooleanField(
        _("system role"), default=False, help_text=_("Declared in code; it cannot be deleted.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)

    objects: ClassVar[RoleManager] = RoleManager()

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")


class RoleInclusion(models.Model):
    """`role` includes all permissions of `included`."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="inclusions")
    included = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="included_by")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "included"], name="rbac_inclusion_once"),
            models.CheckConstraint(condition=~Q(role=F("included")), name="rbac_inclusion_not_of_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.role} > {self.included}"


class RoleAssignmentQuerySet(UndeletableQuerySet):
    """Assignments of roles to users."""

    def live(self, now: datetime) -> "RoleAssignmentQuerySet":
        """Filter assignments that are neither ended nor expired at `now`."""
        return self.unended().filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))

    def unended(self) -> "RoleAssignmentQuerySet":
        """Filter assignments that are not ended; they may have expired."""
        return self.filter(ended_at__isnull=True)

    def in_force_at(self, when: datetime) -> "RoleAssignmentQuerySet":
        """Filter assignments that were or will be in force at `when`."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=when),
            Q(ended_at__isnull=True) | Q(ended_at__gt=when),
            granted_at__lte=when,
        )

    def of(self, user: Any) -> "RoleAssignmentQuerySet":
        """Filter assignments of one user."""
        return self.filter(user=user)

    def of_roles(self, role_ids: Iterable[int]) -> "RoleAssignmentQuerySet":
        """Filter assignments of any of these roles."""
        return self.filter(role__in=list(role_ids))

    def in_scope(self, scope: str) -> "RoleAssignmentQuerySet":
        """Filter assignments in exactly this scope; '' means everywhere."""
        return self.filter(scope=scope)

    def in_any_scope(self, scopes: Collection[str]) -> "RoleAssignmentQuerySet":
        """Filter assignments in any of these scopes, without those that apply everywhere."""
        return self.exclude(scope="").filter(scope__in=scopes)

    def ended_or_expired_by(self, when: datetime) -> "RoleAssignmentQuerySet":
        """Filter assignments that had ended or expired by `when`."""
        return self.filter(Q(expires_at__lte=when) | Q(ended_at__lte=when))

    def not_covered_by(self, role_ids: Iterable[int], now: datetime) -> "RoleAssignmentQuerySet":
        """Filter assignments whose user holds none of these roles in the scope of the assignment."""
        role_ids = list(role_ids)
        if not role_ids:
            return self
        covering = (
            self.model.objects.live(now)
            .of_roles(role_ids)
            .filter(Q(scope="") | Q(scope=OuterRef("scope")), user=OuterRef("user"))
        )
        return self.exclude(Exists(covering))

    def other_roles_of_holders(self, role_ids: Iterable[int], now: datetime) -> models.QuerySet[Any, int]:
        """Return the ids of all other roles that the holders of these roles hold, without duplicates."""
        holders = self.of_roles(role_ids).live(now).values("user")
        others = self.live(now).exclude(role__in=list(role_ids))
        return others.filter(user__in=holders).order_by().values_list("role", flat=True).distinct()

    def people(self) -> models.QuerySet[Any]:
        """Return the active users of these assignments, except superusers, without duplicates."""
        users: models.QuerySet[Any] = get_user_model()._default_manager.filter(is_active=True, is_superuser=False)
        return users.filter(pk__in=self.values("user"))

    def end(self, now: datetime, by: Any) -> int:
        """End the assignments that have not ended; return how many."""
        return self.filter(ended_at__isnull=True).update(ended_at=now, ended_by=by)


class RoleAssignment(Undeletable):
    """A role of a user: everywhere or in one scope such as `fleet:12`, permanently or until `expires_at`.

    References to users have no constraint, because the history stays when the account is deleted.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="role_assignments"
    )
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")
    scope = models.CharField(_("scope"), max_length=100, blank=True, default="", help_text=_("Empty: everywhere."))
    granted_at = models.DateTimeField(_("granted"), default=timezone.now, editable=False)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "scope"], condition=Q(ended_at__isnull=True), name="rbac_assignment_live_once"
            )
        ]
        indexes = [
            models.Index(fields=["role", "user"], name="rbac_live_of_role", condition=Q(ended_at__isnull=True)),
            models.Index(
                fields=["scope"], name="rbac_live_in_scope", condition=Q(ended_at__isnull=True) & ~Q(scope="")
            ),
        ]
        base_manager_name = "objects"  # Django's default manager would allow deletes
        verbose_name = _("role assignment")
        verbose_name_plural = _("role assignments")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role_id} {self.scope}".strip()


class RoleRevisionQuerySet(AppendOnlyQuerySet):
    """Revisions of roles."""

    def at(self, when: datetime) -> "RoleRevisionQuerySet":
        """Filter the latest revision of each role at `when`."""
        newest = self.model.objects.filter(role=OuterRef("role"), created_at__lte=when).order_by("-created_at", "-id")
        return self.filter(pk=Subquery(newest.values("pk")[:1]))

    def that_added(self, role_id: int, codename: str, when: datetime) -> Any:
        """Return the revision that added `codename` to the role's own at `when`; None if it did not have it then."""
        found = None
        for revision in self.filter(role=role_id, created_at__lte=when).order_by("-created_at", "-id").iterator(50):
            if codename not in revision.permissions:
                break
            found = revision
        return found


class RoleRevision(AppendOnly):
    """The state of a role from `created_at` until its next revision."""

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="revisions")
    name = models.CharField(max_length=150)
    permissions = models.JSONField(default=list, help_text=_("The role's own permissions."))
    included_roles = models.JSONField(default=list, help_text=_("Ids of the roles that it includes."))
    requires_2fa = models.BooleanField(default=False)
    forbids_sms_code = models.BooleanField(default=False, db_default=False)
    is_deleted = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )

    objects = RoleRevisionQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("role history entry")
        verbose_name_plural = _("role history")
        indexes = [models.Index(fields=["role", "-created_at", "-id"], name="rbac_revision_of_role")]

    def __str__(self) -> str:
        return f"{self.name} {self.created_at:%Y-%m-%d %H:%M}"


class Declaration(models.Model):
    """A declaration of the code at the last synchronisation, to find out what has been added or removed since.

    name: "permissions" for all codenames, "role:<name>" for those of a default role, "requirements:<name>" for its role
    requirements.
    """

    name = models.CharField(max_length=170, primary_key=True)
    codenames = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name


class UserStatusQuerySet(AppendOnlyQuerySet):
    """Status history of users."""

    def of(self, user: Any) -> "UserStatusQuerySet":
        """Filter records of one user."""
        return self.filter(user=user)


class UserStatus(AppendOnly):
    """Whether a user was active and a superuser from `since` until the next record."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="status_history"
    )
    is_active = models.BooleanField()
    is_superuser = models.BooleanField()
    since = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserStatusQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(fields=["user", "-since"], name="rbac_status_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.since:%Y-%m-%d %H:%M}"


def resource_permissions() -> models.QuerySet[Permission]:
    """Return the permissions that have a `resource:action` codename."""
    return Permission.objects.filter(
        content_type__app_label="rbac", content_type__model="role", codename__contains=CODENAME_SEPARATOR
    )


def permissions_matching(permissions: models.QuerySet[Permission], text: str) -> models.QuerySet[Permission]:
    """Return those of `permissions` whose codename and description contain each word of `text`."""
    return matching(permissions, text, "codename", "name")
