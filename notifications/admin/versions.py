"""The versions of what staff wrote, each of which can come back."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin_forms import SavedByService
from foodfleet.core.exceptions import BaseAppException
from notifications.admin.forms import reasons

NEWEST = 10  # on the page of the thing itself; all are on their own


class VersionedAdmin(SavedByService):
    """Adds two pages to a model's own: its versions, and a preview."""

    restore: Callable[..., Any]

    @admin.display(description=_("Versions"))
    def newest_versions(self, thing: Any) -> str:
        """Who saved what, and when; words and no form, for a form of hundreds of versions could not be saved."""
        if thing.pk is None:
            return "-"
        newest = thing.versions.select_related("saved_by").order_by("-number")[:NEWEST]
        rows = [
            (one.number, date_format(timezone.localtime(one.saved_at), "DATETIME_FORMAT"), one.saved_by or "-")
            for one in newest
        ]
        return format_html_join("", "<div>{} · {} · {}</div>", rows)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fields
        return [name for name in fields if name != "opened_with"]

    def get_urls(self) -> list[URLPattern]:
        name = self.opts.model_name
        return [
            path("<int:pk>/versions/", self._guarded(self.versions_page), name=f"notifications_{name}_versions"),
            path("<int:pk>/try/", self._guarded(self.try_page), name=f"notifications_{name}_try"),
            *super().get_urls(),
        ]

    def _guarded(self, page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            thing = get_object_or_404(self.model, pk=pk)
            if not self.has_view_permission(request, thing):
                raise PermissionDenied
            return page(request, thing)

        return self.admin_site.admin_view(view)

    @admin.display(description=_("more"))
    def pages(self, thing: Any) -> str:
        """The way to the two pages."""
        if thing.pk is None:
            return "-"
        name = self.opts.model_name
        return format_html(
            '<a href="{}">{}</a> · <a href="{}">{}</a>',
            reverse(f"admin:notifications_{name}_try", args=[thing.pk]),
            _("Preview and test"),
            reverse(f"admin:notifications_{name}_versions", args=[thing.pk]),
            _("Versions"),
        )

    def versions_page(self, request: HttpRequest, thing: Any) -> HttpResponse:
        """Every version, newest first; a POST makes one of them the newest."""
        if request.method == "POST":
            return self._restore(request, thing)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{thing}: {_('Versions')}",
            "opts": self.opts,
            "thing": thing,
            "versions": thing.versions.select_related("saved_by").order_by("-number"),
            "may_change": self.has_change_permission(request, thing),
        }
        return TemplateResponse(request, "admin/notifications/versions.html", context)

    def _restore(self, request: HttpRequest, thing: Any) -> HttpResponse:
        number = request.POST.get("number", "")
        if not self.has_change_permission(request, thing) or not number.isdecimal() or len(number) > 9:
            raise PermissionDenied
        try:
            type(self).restore(thing, int(number), request.user)
            messages.success(request, _("This version holds again."))
        except BaseAppException as error:
            messages.error(request, " ".join([str(error.message), *reasons(error)]))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect(request.path)

    def try_page(self, request: HttpRequest, thing: Any) -> HttpResponse:
        """What it would say."""
        raise NotImplementedError
