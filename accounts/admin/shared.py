"""What the admin of accounts shares."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import CappedPaginator, ReadOnlyMixin, RestrictedFiltersAdmin, TextSearchAdmin
from foodfleet.core.http.clients import client_of

OF_A_USER = ("user__id__exact",)  # how a user's page asks other lists for theirs


class ReadOnlyAdmin(ReadOnlyMixin, PermittedLinksAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """Rows that are looked at."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    extra_lookups = OF_A_USER
    list_select_related: ClassVar[tuple[str, ...]] = ("user",)  # type: ignore[misc]
    search_fields = ("user__search_text",)
    raw_id_fields = ("user",)


def by(request: HttpRequest) -> dict[str, Any]:
    """Who acts, as services take it."""
    return {"actor": request.user, "client": client_of(request)}
