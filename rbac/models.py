"""Roles, what they include, who holds them, and how they came to be so.

A role is one of Django's groups and a permission one row of `auth_permission`, so that Django's own machinery reads the
same truth. Nothing here is deleted: assignments and inclusions are ended, edits of roles are kept as revisions.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rbac.querysets import (
    NEVER_CHANGED,
    NEVER_DELETED,
    RoleAssignmentQuerySet,
    RoleManager,
    RoleRevisionQuerySet,
    StandingQuerySet,
)


class Role(Group):
    """A named set of permissions that users are given."""

    description = models.TextField(_("description"), blank=True, default="")
    requires_2fa = models.BooleanField(_("requires two-factor authentication"), default=False)
    forbids_sms_code = models.BooleanField(
        _("forbids codes by text message"),
        default=False,
        db_default=False,
        help_text=_("Its holders prove themselves by app, passkey or backup code, never by a text."),
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
    """`role` has all that `included` has."""

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


class Kept(models.Model):
    """A row that is history: nobody deletes it through the ORM."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused, with PermissionDenied."""
        raise PermissionDenied(NEVER_DELETED)


class Appended(Kept):
    """A row that nobody changes either."""

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """Insert it. Raises PermissionDenied for a row that is there already."""
        if not self._state.adding:
            raise PermissionDenied(NEVER_CHANGED)
        super().save_base(*args, **kwargs)


class RoleAssignment(Kept):
    """A user holds a role: everywhere, or in one scope such as `fleet:12`; for good, or until `expires_at`.

    Users are referred to without a constraint: who held what, and who granted it, outlives the account.
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

    objects: ClassVar[RoleAssignmentQuerySet] = RoleAssignmentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "scope"], condition=Q(ended_at__isnull=True), name="rbac_assignment_live_once"
            )
        ]
        indexes = [models.Index(fields=["role", "user"], name="rbac_live_of_role", condition=Q(ended_at__isnull=True))]
        base_manager_name = "objects"  # refuses what the default one of Django would do
        verbose_name = _("role assignment")
        verbose_name_plural = _("role assignments")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role_id} {self.scope}".strip()


class RoleRevision(Appended):
    """What a role was from `created_at` on, until its next revision. Append-only."""

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="revisions")
    name = models.CharField(max_length=150)
    permissions = models.JSONField(default=list, help_text=_("Labels of the role's own permissions."))
    included_roles = models.JSONField(default=list, help_text=_("Ids of the roles that it includes."))
    requires_2fa = models.BooleanField(default=False)
    forbids_sms_code = models.BooleanField(default=False, db_default=False)
    is_deleted = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )

    objects: ClassVar[RoleRevisionQuerySet] = RoleRevisionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("role history entry")
        verbose_name_plural = _("role history")
        indexes = [models.Index(fields=["role", "-created_at", "-id"], name="rbac_revision_of_role")]

    def __str__(self) -> str:
        return f"{self.name} {self.created_at:%Y-%m-%d %H:%M}"


class Declaration(models.Model):
    """What the code declared when it was last synchronised, so that the next time tells what is new and what is gone.

    name: of an app's labels ("permissions"), of a default role ("role:<name>") or of what that asks of its holders
    ("demands:<name>").
    """

    name = models.CharField(max_length=170, primary_key=True)
    labels = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name


class Standing(Appended):
    """Whether a user was active and a superuser from `since` on, until the next note."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="standings"
    )
    is_active = models.BooleanField()
    is_superuser = models.BooleanField()
    since = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[StandingQuerySet] = StandingQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(fields=["user", "-since"], name="rbac_standing_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.since:%Y-%m-%d %H:%M}"
