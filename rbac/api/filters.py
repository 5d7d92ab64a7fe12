"""Filters of the lists of roles and permissions."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from foodfleet.core.http.lists.filters import SearchFilterSet
from rbac.models import permissions_matching


class RoleFilter(SearchFilterSet):
    """Filters of the list of roles."""

    def find(self, queryset: Any, name: str, value: str) -> Any:
        """Roles whose name or description has the text."""
        return queryset.matching(value)


class PermissionFilter(SearchFilterSet):
    """Filters of the list of permissions."""

    def find(self, queryset: QuerySet[Permission], name: str, value: str) -> QuerySet[Permission]:
        """Permissions whose label and description have each word."""
        return permissions_matching(queryset, value)
