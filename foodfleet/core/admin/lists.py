"""Admin lists that stay fast on tables of any size."""

from datetime import UTC
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.views import ChangeList

from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.admin.saved_views import SavedViewsAdmin
from foodfleet.core.typed_text import searched_parts

COUNTED = 10_000  # rows; a longer list has to be filtered or searched


class CappedCount(int):
    """A count that stopped at a maximum: shown as `10000+`."""

    def __str__(self) -> str:
        return f"{int(self)}+"


def capped(count: int, most: int) -> int:
    """Return the count, or a CappedCount if it is larger than `most`."""
    return CappedCount(most) if count > most else count


def capped_count(rows: QuerySet[Any], most: int | None = None) -> int:
    """Return the number of rows, or a CappedCount if there are more than `most`, by default COUNTED."""
    most = COUNTED if most is None else most
    return capped(rows.order_by()[: most + 1].count(), most)


def all_found(model_admin: Any, request: HttpRequest) -> Any:
    """Return all rows that the filters and the search of the list find; None if a filter has an invalid value.

    Raises PermissionDenied if the user may not see the list.
    """
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    try:
        return model_admin.get_changelist_instance(request).get_queryset(request)
    except IncorrectLookupParameters:
        return None


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that stops at COUNTED, so that no page of a list reads a whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return capped_count(rows)


class UnchangeableMixin:
    """An admin or inline whose rows cannot be changed or deleted."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyMixin(UnchangeableMixin):
    """An admin or inline whose rows cannot be added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TextSearchAdmin(BaseAdmin):
    """A list whose `search_fields` contain `typed_text.searchable` text, which any spelling of a part finds."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        for part in searched_parts(search_term):
            columns = [Q((f"{column}__contains", part)) for column in self.search_fields]
            queryset = queryset.filter(reduce(or_, columns))
        return queryset, False


class RestrictedChangeList(ChangeList):
    """A list that accepts only the lookups of its own filters in the query string.

    Django accepts any lookup on a model's own columns: `?digest__gte=7` reveals a hidden column bit by bit, and
    `?subject__regex=(` is a database error.
    """

    model_admin: Any

    def get_filters(self, request: HttpRequest) -> Any:
        """Return Django's filters. Raises DisallowedModelAdminLookup for a lookup that no filter uses."""
        found = super().get_filters(request)
        unused = found[2]
        for name in unused:
            if not self._is_allowed(name):
                raise DisallowedModelAdminLookup(f"Filtering by {name} not allowed")
        return found

    def get_results(self, request: HttpRequest) -> None:
        """Get the results. A number that is too large for the database counts as an invalid filter value."""
        try:
            super().get_results(request)
        except OverflowError as error:
            raise IncorrectLookupParameters(error) from error

    def _is_allowed(self, name: str) -> bool:
        field, _, lookup = name.rpartition("__")
        by_date = field == self.date_hierarchy and lookup in {
            "gte",
            "lt",
        }  # from year, month and day
        return by_date or name in self.model_admin.extra_lookups


class RestrictedFiltersAdmin(SavedViewsAdmin):
    """An admin whose list accepts only its own filters, so that filters cannot reveal hidden columns.

    extra_lookups: further lookups that other pages of the admin link to.
    """

    extra_lookups: ClassVar[tuple[str, ...]] = ()

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Run an action. Raises BadRequest for ids that no row can have."""
        try:
            queryset.filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME))
        except (ValueError, ValidationError) as error:
            raise BadRequest from error
        return super().response_action(request, queryset, *args, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RestrictedChangeList


class DateTimeFilter(admin.DateFieldListFilter):
    """Django's date filter with bounds in UTC: databases have no year 10000 and do not accept every offset."""

    used_parameters: dict[str, Any]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        for name in {self.lookup_kwarg_since, self.lookup_kwarg_until} & self.used_parameters.keys():
            self.used_parameters[name] = [self._utc(value) for value in self.used_parameters[name]]
        return super().queryset(request, queryset)

    def _utc(self, value: Any) -> Any:
        try:
            value = self.field.to_python(value)
            return (timezone.make_aware(value) if timezone.is_naive(value) else value).astimezone(UTC)
        except (OverflowError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error
