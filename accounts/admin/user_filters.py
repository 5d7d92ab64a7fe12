"""Filters of the list of users."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import UserQuerySet
from rbac.models import Role


class YesNoFilter(admin.SimpleListFilter):
    """Yes or no; subclasses name the two querysets."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in {"yes", "no"}:
            return queryset
        return self.chosen(queryset, is_yes=self.value() == "yes")

    def chosen(self, queryset: UserQuerySet, *, is_yes: bool) -> UserQuerySet:
        """Return the users of the choice."""
        raise NotImplementedError


class LockedFilter(YesNoFilter):
    """Whether staff or wrong passwords have locked the account."""

    title = _("locked")
    parameter_name = "locked"

    def chosen(self, queryset: UserQuerySet, *, is_yes: bool) -> UserQuerySet:
        now = timezone.now()
        return queryset.locked_out(now) if is_yes else queryset.not_locked_out(now)


class MFAFilter(YesNoFilter):
    """Whether two-factor authentication is on."""

    title = _("two-factor authentication")
    parameter_name = "mfa"

    def chosen(self, queryset: UserQuerySet, *, is_yes: bool) -> UserQuerySet:
        return queryset.with_mfa() if is_yes else queryset.without_mfa()


class InvitedFilter(YesNoFilter):
    """Invited and not come yet."""

    title = _("invited and not come yet")
    parameter_name = "invited"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def chosen(self, queryset: UserQuerySet, *, is_yes: bool) -> UserQuerySet:
        return queryset.filter(invited_at__isnull=False, email_verified_at__isnull=True) if is_yes else queryset


class LastSeenFilter(admin.SimpleListFilter):
    """When the user last signed in."""

    title = _("last seen")
    parameter_name = "seen"
    WITH_TIME = frozenset({"7", "30", "before"})  # the choices that only users with a sign-in match

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

    def chosen(self, queryset: UserQuerySet, *, is_yes: bool) -> UserQuerySet:
        return queryset.service_accounts() if is_yes else queryset.people()


class RoleFilter(admin.SimpleListFilter):
    """Users with a role, in any scope."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Role.objects.live().order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.holding_role(self.value(), timezone.now()) if self.value() else queryset
