"""Shared parts of the admin of accounts."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import CappedPaginator, ReadOnlyMixin, RestrictedFiltersAdmin, TextSearchAdmin
from foodfleet.core.http.clients import client_of

OF_A_USER = ("user__id__exact",)  # the filter in links from the page of a user to other lists


class ReadOnlyAdmin(ReadOnlyMixin, PermittedLinksAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """A read-only admin of rows that belong to a user."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    extra_lookups = OF_A_USER
    list_select_related: ClassVar[tuple[str, ...]] = ("user",)
    search_fields = ("user__search_text",)
    raw_id_fields = ("user",)


class EmptiedRowsAdmin(BaseAdmin):
    """An admin whose `delete_model` keeps an emptied row, so that related objects neither go nor prevent it."""

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the chosen objects, all or none."""
        with transaction.atomic():
            for one in queryset:
                self.delete_model(request, one)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return only the chosen objects, without related ones."""
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(one) for one in objs], {self.opts.verbose_name_plural: len(objs)}, missing, []


def by(request: HttpRequest) -> dict[str, Any]:
    """Return the actor and client of the request as keyword arguments for services."""
    return {"actor": request.user, "client": client_of(request)}
