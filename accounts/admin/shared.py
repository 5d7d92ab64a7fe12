"""Shared parts of the admin of accounts."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

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
    list_select_related: ClassVar[tuple[str, ...]] = ("user",)  # type: ignore[misc]
    search_fields = ("user__search_text",)
    raw_id_fields = ("user",)


def by(request: HttpRequest) -> dict[str, Any]:
    """The actor and client, as keyword arguments of services."""
    return {"actor": request.user, "client": client_of(request)}
