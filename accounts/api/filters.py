"""Filters of the lists of accounts."""

from django.utils import timezone
from django_filters import CharFilter, FilterSet

from accounts.models.users import UserQuerySet
from accounts.states import event_kinds
from foodfleet.core.http.lists.filters import (
    MAX_SEARCH_LENGTH,
    AddressFilter,
    IdFilter,
    OneOfFilter,
    SearchFilterSet,
    TrueFalseFilter,
    UTCDateTimeFilter,
)
from rbac.models import LONGEST_IDENTIFIER


class UserFilter(SearchFilterSet):
    """Filters of the list of users."""

    is_active = TrueFalseFilter()
    is_staff = TrueFalseFilter()
    is_superuser = TrueFalseFilter()
    locked = TrueFalseFilter(method="filter_locked", help_text="By staff or after wrong passwords.")
    service_account = TrueFalseFilter(
        method="filter_service_account", help_text="Only service accounts, or only people."
    )
    role = CharFilter(method="filter_role", max_length=150, help_text="Id or name of a role.")
    scope = CharFilter(
        method="filter_scope",
        max_length=LONGEST_IDENTIFIER,
        help_text="Members of exactly this scope, such as fleet:12.",
    )
    search = CharFilter(
        method="find",
        max_length=MAX_SEARCH_LENGTH,
        help_text="Parts of the e-mail address, names or phone number.",
    )

    def filter_locked(self, queryset: UserQuerySet, name: str, value: bool) -> UserQuerySet:
        """Filter users who are locked, or not."""
        now = timezone.now()
        return queryset.locked_out(now) if value else queryset.not_locked_out(now)

    def filter_service_account(self, queryset: UserQuerySet, name: str, value: bool) -> UserQuerySet:
        """Filter service accounts, or people."""
        return queryset.service_accounts() if value else queryset.people()

    def filter_role(self, queryset: UserQuerySet, name: str, value: str) -> UserQuerySet:
        """Filter users who hold the role."""
        return queryset.holding_role(value, timezone.now())

    def filter_scope(self, queryset: UserQuerySet, name: str, value: str) -> UserQuerySet:
        """Filter members of the scope."""
        return queryset.in_scopes([value])


class ServiceAccountFilter(SearchFilterSet):
    """Filters of the list of service accounts."""


class EventFilter(FilterSet):
    """Filters of the list of security events."""

    user = IdFilter(field_name="user_id", help_text="A user's id.")
    kind = OneOfFilter(event_kinds())
    ip = AddressFilter(field_name="ip", help_text="An IP address.")
    since = UTCDateTimeFilter(field_name="created_at", lookup_expr="gte", help_text="From this time on.")
    until = UTCDateTimeFilter(field_name="created_at", lookup_expr="lt", help_text="Before this time.")


class ResetFilter(FilterSet):
    """Filters of the list of resets of two-factor authentication."""

    user = IdFilter(field_name="user_id", help_text="A user's id.")
