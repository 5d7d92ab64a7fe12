"""Scopes with their names, parents and members.

`kind:key`, such as `fleet:12`, is what assignments of roles name. An assignment may name a scope that has no row here:
it then counts in checks, and the scope has no name, parent or members.
"""

from collections.abc import Collection
from typing import Any, Self, TypeVar

from django.conf import settings
from django.contrib.auth import get_backends
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.database.search import matching

LONGEST_IDENTIFIER = 100  # as long as the scope of an assignment
LONGEST_NAME = 150

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[Row_co]):
    """Rows that belong to scopes, for every app: `Truck.objects.visible_to(user, "trucks:read")`.

    scope_field: of the model, with the row's scope such as `fleet:12`; '' for none. Rows that belong to scopes in
    another way override `in_scopes`.
    """

    scope_field = "scope"

    def in_scopes(self, scopes: Collection[str]) -> Self:
        """Rows that belong to any of these scopes."""
        return self.filter(**{f"{self.scope_field}__in": scopes})

    def visible_to(self, user: Any, codename: str) -> Self:
        """Rows for which `user` has the permission `codename`: everywhere, or in a scope of the row or one above it."""
        scopes = scopes_with(user, codename)
        if scopes is None:
            return self
        return self.in_scopes(scopes) if scopes else self.none()


def scopes_with(user: Any, codename: str) -> frozenset[str] | None:
    """Return every scope in which `user` has `codename`, as the authentication backend decides; None: everywhere."""
    for backend in get_backends():
        if (decide := getattr(backend, "scopes_with", None)) is not None:
            found: frozenset[str] | None = decide(user, codename)
            return found
    return frozenset()


class ScopeQuerySet(models.QuerySet["Scope"]):
    """Scopes."""

    def search(self, text: str) -> Self:
        """Scopes whose name and identifier contain each word of `text`."""
        return matching(self, text, "name", "identifier")

    def parents(self) -> dict[str, str]:
        """Map the identifier of each scope that has a parent to that of its parent."""
        return dict(self.filter(parent__isnull=False).values_list("identifier", "parent__identifier"))

    def with_member(self, user_id: int) -> Self:
        """Scopes that this user belongs to."""
        return self.filter(identifier__in=ScopeMembership.objects.filter(user=user_id).values("scope"))


class Scope(models.Model):
    """A part of the organisation, such as a fleet. What is held in a scope is also held in those below it."""

    kind = models.CharField(_("kind"), max_length=LONGEST_IDENTIFIER, help_text=_("Such as fleet."))
    key = models.CharField(
        _("key"), max_length=LONGEST_IDENTIFIER, help_text=_("Such as 12: with the kind, roles name it fleet:12.")
    )
    identifier = models.CharField(max_length=LONGEST_IDENTIFIER, unique=True, editable=False)  # `kind:key`, by `save`
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
        """As in Django; also sets `identifier`."""
        self.identifier = f"{self.kind}:{self.key}"
        super().save(*args, **kwargs)


class ScopeMembershipQuerySet(models.QuerySet["ScopeMembership"]):
    """Memberships."""

    def of(self, user: Any) -> Self:
        """Memberships of one user."""
        return self.filter(user=user)

    def in_scopes(self, identifiers: Collection[str]) -> Self:
        """Memberships in any of these scopes."""
        return self.filter(scope__in=identifiers)


class ScopeMembership(models.Model):
    """A user belongs to a scope: who holds a permission in the scope may use it on this user."""

    # By identifier: a list of members reads no other table to find them. No index of its own: two others begin with it.
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
