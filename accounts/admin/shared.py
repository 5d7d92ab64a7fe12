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

OF_A_USER = ("user__id__exact",)  # the filter in links from a user to other lists


class ReadOnlyAdmin(ReadOnlyMixin, PermittedLinksAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """A read-only admin."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    extra_lookups = OF_A_USER
    list_select_related: ClassVar[tuple[str, ...]] = ("user",)
    search_fields = ("user__search_text",)
    raw_id_fields = ("user",)


class EmptiedRowsAdmin(BaseAdmin):
    """An admin whose `delete_model` empties a row, so that no related object is deleted or protects it."""

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the chosen ones, all or none."""
        with transaction.atomic():
            for one in queryset:
                self.delete_model(request, one)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The chosen ones alone."""
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(one) for one in objs], {self.opts.verbose_name_plural: len(objs)}, missing, []


def by(request: HttpRequest) -> dict[str, Any]:
    """The actor and client, as keyword arguments of services."""
    return {"actor": request.user, "client": client_of(request)}
