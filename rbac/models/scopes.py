"""Scopes with their names, parents and members.

Assignments of roles refer to a scope by `kind:key`, such as `fleet:12`. A scope of an assignment need not have a row
here: it works in checks, but has no name, parent or members.
"""

from collections.abc import Collection
from typing import Any, Self, TypeVar

from django.conf import settings
from django.contrib.auth import get_backends
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.database.search import matching

LONGEST_IDENTIFIER = 100  # as in `RoleAssignment.scope`
LONGEST_NAME = 150

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[Row_co]):
    """A QuerySet of rows that belong to scopes: `Truck.objects.visible_to(user, "trucks:read")`.

    scope_field: the field of the model with the row's scope, such as `fleet:12`, or ''. If rows belong to scopes in
    another way, override `in_scopes`.
    """

    scope_field = "scope"

    def in_scopes(self, scopes: Collection[str]) -> Self:
        """Filter rows that belong to any of these scopes."""
        return self.filter(**{f"{self.scope_field}__in": scopes})

    def visible_to(self, user: Any, codename: str) -> Self:
        """Filter rows for which `user` has the permission `codename`: everywhere, in their scope or in one above it."""
        scopes = scopes_with(user, codename)
        if scopes is None:
            return self
        return self.in_scopes(scopes) if scopes else self.none()


def scopes_with(user: Any, codename: str) -> frozenset[str] | None:
    """Return the scopes in which `user` has `codename`, from the authentication backend; None means everywhere."""
    for backend in get_backends():
        if (decide := getattr(backend, "scopes_with", None)) is not None:
            found: frozenset[str] | None = decide(user, codename)
            return found
    return frozenset()


class ScopeQuerySet(models.QuerySet["Scope"]):
    """Scopes."""

    def search(self, text: str) -> Self:
        """Filter scopes whose name and identifier contain each word of `text`."""
        return matching(self, text, "name", "identifier")

    def parents(self) -> dict[str, str]:
        """Return the identifier of the parent by that of the scope, for each scope with a parent."""
        return dict(self.filter(parent__isnull=False).values_list("identifier", "parent__identifier"))

    def with_member(self, user_id: int) -> Self:
        """Filter scopes that this user belongs to."""
        return self.filter(identifier__in=ScopeMembership.objects.filter(user=user_id).values("scope"))


class Scope(models.Model):
    """A part of the organisation, such as a fleet. Roles in a scope also apply in the scopes below it."""

    kind = models.CharField(_("kind"), max_length=LONGEST_IDENTIFIER, help_text=_("Such as fleet."))
    key = models.CharField(
        _("key"), max_length=LONGEST_IDENTIFIER, help_text=_("Such as 12: with the kind, roles name it fleet:12.")
    )
    # `kind:key`, set by `save`.
    identifier = models.CharField(max_length=LONGEST_IDENTIFIER, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=LONGEST_NAME, blank=True, default="")
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
        help_text=_("Roles in the parent also apply in this scope."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = ScopeQuerySet.as_manager()

    class Meta:
        verbose_name = _("scope")
        verbose_name_plural = _("scopes")
        constraints = [
            models.CheckConstraint(condition=~models.Q(parent=models.F("id")), name="rbac_scope_not_below_itself")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.identifier})" if self.name else self.identifier

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does, and also set `identifier`."""
        self.identifier = f"{self.kind}:{self.key}"
        super().save(*args, **kwargs)


class ScopeMembershipQuerySet(models.QuerySet["ScopeMembership"]):
    """Memberships of users in scopes."""

    def of(self, user: Any) -> Self:
        """Filter memberships of one user."""
        return self.filter(user=user)

    def in_scopes(self, identifiers: Collection[str]) -> Self:
        """Filter memberships in any of these scopes."""
        return self.filter(scope__in=identifiers)


class ScopeMembership(models.Model):
    """A user belongs to a scope: permissions in the scope apply to this user."""

    # By identifier, so that members are found without a join. Without an index, because two others begin with it.
    scope = models.ForeignKey(
        Scope, to_field="identifier", on_delete=models.PROTECT, related_name="memberships", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scope_memberships")
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    objects = ScopeMembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("member of a scope")
        verbose_name_plural = _("members of scopes")
        constraints = [models.UniqueConstraint(fields=["scope", "user"], name="rbac_member_once")]
        indexes = [models.Index(fields=["scope", "id"], name="rbac_members_by_entry")]

    def __str__(self) -> str:
        return f"{self.scope_id}: {self.user_id}"
