"""Filters of the lists of roles, permissions and scopes."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django_filters import CharFilter

from foodfleet.core.http.lists.filters import MAX_SEARCH_LENGTH, IdFilter, SearchFilterSet
from rbac.models import permissions_matching
from rbac.models.scopes import LONGEST_IDENTIFIER, ScopeQuerySet


class RoleFilter(SearchFilterSet):
    """Filters of the list of roles."""

    def find(self, queryset: Any, name: str, value: str) -> Any:
        """Filter roles whose name and description contain each word."""
        return queryset.matching(value)


class PermissionFilter(SearchFilterSet):
    """Filters of the list of permissions."""

    def find(self, queryset: QuerySet[Permission], name: str, value: str) -> QuerySet[Permission]:
        """Filter permissions whose codename and description contain each word."""
        return permissions_matching(queryset, value)


class ScopeFilter(SearchFilterSet):
    """Filters of the list of scopes."""

    kind = CharFilter(max_length=LONGEST_IDENTIFIER, help_text="Such as fleet.")
    parent = IdFilter(field_name="parent_id", help_text="A scope's id.")
    member = IdFilter(method="filter_member", help_text="A user's id.")
    search = CharFilter(method="find", max_length=MAX_SEARCH_LENGTH, help_text="Parts of the name or of kind:key.")

    def filter_member(self, queryset: ScopeQuerySet, name: str, value: int) -> ScopeQuerySet:
        """Filter scopes that the user belongs to."""
        return queryset.with_member(value)
