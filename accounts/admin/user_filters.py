"""Filters of the list of users."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import UserQuerySet
from foodfleet.core.admin.filters import TypedFilter, YesFilter, YesNoFilter
from rbac.services import graph


class LockedFilter(YesNoFilter):
    """Whether staff or wrong passwords have locked the account."""

    title = _("locked")
    parameter_name = "locked"

    def chosen(self, queryset: UserQuerySet) -> UserQuerySet:
        return queryset.locked_out(timezone.now())

    def others(self, queryset: UserQuerySet) -> UserQuerySet:
        return queryset.not_locked_out(timezone.now())


class MFAFilter(YesNoFilter):
    """Whether two-factor authentication is on."""

    title = _("two-factor authentication")
    parameter_name = "mfa"

    def chosen(self, queryset: UserQuerySet) -> UserQuerySet:
        return queryset.with_mfa()

    def others(self, queryset: UserQuerySet) -> UserQuerySet:
        return queryset.without_mfa()


class InvitedFilter(YesFilter):
    """Users who have not accepted their invitation."""

    title = _("invitation not accepted")
    parameter_name = "invited"

    def chosen(self, queryset: UserQuerySet) -> UserQuerySet:
        return queryset.filter(invited_at__isnull=False, email_verified_at__isnull=True)


class LastSeenFilter(admin.SimpleListFilter):
    """When the user last signed in."""

    title = _("last seen")
    parameter_name = "seen"
    WITH_TIME = frozenset({"7", "30", "before"})  # choices that match only users who have signed in

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("7", _("In the last 7 days")),
            ("30", _("In the last 30 days")),
            ("before", _("Not for 90 days")),
            ("never", _("Never")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now, value = timezone.now(), self.value()
        if value in {"7", "30"}:
            return queryset.filter(last_login__gte=now - timedelta(days=int(value)))
        if value == "before":
            return queryset.filter(last_login__lt=now - timedelta(days=90))
        return queryset.filter(last_login__isnull=True) if value == "never" else queryset


class ServiceAccountFilter(YesNoFilter):
    """Service accounts, or people."""

    title = _("service account")
    parameter_name = "service_account"

    def chosen(self, queryset: UserQuerySet) -> UserQuerySet:
        return queryset.service_accounts()

    def others(self, queryset: UserQuerySet) -> UserQuerySet:
        return queryset.people()


class RoleFilter(admin.SimpleListFilter):
    """Users with a role, in any scope."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((str(role.id), role.name) for role in graph.latest().roles.values()), key=lambda one: one[1])

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.holding_role(self.value(), timezone.now()) if self.value() else queryset


class ScopeFilter(TypedFilter):
    """Members of a scope. It is typed and not chosen, because there may be thousands."""

    title = _("scope")
    parameter_name = "scope"
    example = "fleet:12"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        scope = self.value()
        return queryset.in_scopes([scope.strip()]) if scope else queryset
