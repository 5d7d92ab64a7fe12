"""Security events in the admin: an append-only log, with filters and an export."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin.shared import ReadOnlyAdmin, by
from accounts.models import SecurityEvent
from accounts.models.security import SecurityEventQuerySet
from accounts.services import audit
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.filters import AddressFilter, SinceFilter, TypedFiltersAdmin, UntilFilter
from foodfleet.core.admin.lists import all_found
from foodfleet.core.http.lists.csv_export import csv_response

FILE = "security-events.csv"


@admin.register(SecurityEvent)
class SecurityEventAdmin(TypedFiltersAdmin, ReadOnlyAdmin):
    """Security events, read-only."""

    subject, icon = Subject.EVENTS, "history"
    anchors = {"user": "events"}
    list_display = ("created_at", "kind", "user", "actor", "ip")
    list_select_related = ("user", "actor")
    list_filter = ("kind", AddressFilter, SinceFilter, UntilFilter)
    search_help_text = _("Part of the e-mail address, a name or the phone number")
    ordering = ("-created_at", "-id")
    actions = ("export",)
    fields = (
        "created_at", "kind", "user", "actor", "ip", "user_agent", "request_id", "session_id", "details_shown",
    )  # fmt: skip
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_POST(self.export_page))
        return [path("export/", export, name="accounts_securityevent_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with a button that exports the events that match its filters."""
        export_url = reverse("admin:accounts_securityevent_export", query=request.GET)
        return super().changelist_view(request, {"export_url": export_url, **(extra_context or {})})

    @admin.display(description=_("details"))
    def details_shown(self, event: SecurityEvent) -> SafeString | str:
        """Return the details, each on its own line."""
        rows = format_html_join("", "<div><code>{}</code>: <bdi>{}</bdi></div>", event.details.items())
        return format_html("{}", rows) if rows else "-"

    def export_page(self, request: HttpRequest) -> HttpResponseBase:
        """Download all events that match the filters of the list."""
        found = all_found(self, request)
        if found is None:
            return HttpResponseRedirect(reverse("admin:accounts_securityevent_changelist", query={"e": 1}))
        return self._download(request, found, list(request.GET))

    @admin.action(description=_("Export the chosen events as CSV"), permissions=["view"])
    def export(self, request: HttpRequest, queryset: SecurityEventQuerySet) -> HttpResponseBase:
        """Download the chosen events as one file."""
        return self._download(request, queryset, ["chosen", *request.GET])

    @staticmethod
    def _download(request: HttpRequest, found: Any, filters: list[str]) -> HttpResponseBase:
        rows = audit.export(found=found, filters=filters, **by(request))
        return csv_response(FILE, audit.CSV_COLUMNS, rows)
