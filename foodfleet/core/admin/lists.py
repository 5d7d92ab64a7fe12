"""Lists of the admin over tables of any size."""

from datetime import UTC
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from foodfleet.core.typed_text import searched_parts

COUNTED = 10_000  # rows; who looks for more than that filters or searches


class AtLeast(int):
    """A count that was ended: shown as `10000+`."""

    def __str__(self) -> str:
        return f"{int(self)}+"


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than COUNTED, so that no page of a list reads a whole table; pages end there too."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found = int(rows.order_by()[: COUNTED + 1].count())
        return AtLeast(COUNTED) if found > COUNTED else found


class SearchedByText(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose `search_fields` are columns of `typed_text.searchable`: any spelling finds a part of them."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        for part in searched_parts(search_term):
            columns = [Q((f"{column}__contains", part)) for column in self.search_fields]
            queryset = queryset.filter(reduce(or_, columns))
        return queryset, False


class OfferedLookups(ChangeList):
    """A list whose address narrows it by what its filters offer, and by nothing else.

    Django takes any lookup on a model's own columns: `?digest__gte=7` tells bit by bit what stands in a column that no
    page shows, and `?subject__regex=(` is an error of the database.
    """

    model_admin: Any

    def get_filters(self, request: HttpRequest) -> Any:
        """Django's; what none of the filters took out of the address is refused."""
        found = super().get_filters(request)
        untaken = found[2]
        for name in untaken:
            if not self._is_offered(name):
                raise DisallowedModelAdminLookup(f"Filtering by {name} not allowed")
        return found

    def get_results(self, request: HttpRequest) -> None:
        """Django's; a number that is longer than the database can count is no number of the filter's."""
        try:
            super().get_results(request)
        except OverflowError as error:
            raise IncorrectLookupParameters(error) from error

    def _is_offered(self, name: str) -> bool:
        field, _, lookup = name.rpartition("__")
        by_date = field == self.date_hierarchy and lookup in {"gte", "lt"}  # what Django makes of year, month and day
        return by_date or name in self.model_admin.linked_lookups


class FilteredAsOffered(admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin whose list is narrowed by its filters alone: whoever sees the list learns no more than it shows.

    linked_lookups: lookups beside those of the filters, which other pages of the admin link to.
    """

    linked_lookups: ClassVar[tuple[str, ...]] = ()

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Run an action; rows that are named by no possible id are the browser's fault."""
        try:
            queryset.filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME))
        except (ValueError, ValidationError) as error:
            raise BadRequest from error
        return super().response_action(request, queryset, *args, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedLookups


class MomentFilter(admin.DateFieldListFilter):
    """Django's filter by date, which gives the database UTC: it knows no year 10000, and not every displacement."""

    used_parameters: dict[str, Any]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        for name in {self.lookup_kwarg_since, self.lookup_kwarg_until} & self.used_parameters.keys():
            self.used_parameters[name] = [self._utc(value) for value in self.used_parameters[name]]
        return super().queryset(request, queryset)

    def _utc(self, value: Any) -> Any:
        try:
            moment = self.field.to_python(value)
            return (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).astimezone(UTC)
        except (OverflowError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error
