"""Pages for the versions and the preview of templates."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin import history
from foodfleet.core.admin.forms import ServiceAdmin
from foodfleet.core.admin.lists import RestrictedFiltersAdmin
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import client_of
from notifications.admin.forms import error_text
from notifications.admin.languages import direction_of
from notifications.services.templates.differences import Line, compare

NEWEST = 10  # versions on the form; the versions page has all
A_PAGE = 20
MOST_CHOICES = 200  # versions to choose from for a comparison
LONGEST_NUMBER = 9  # digits that every database accepts


def direction(language: str) -> dict[str, str]:
    """Return the language of the content and its text direction, for the context of a page."""
    return {"content_language": language, "content_direction": direction_of(language)}


def _format(value: Any) -> str:
    """Format a stored value: yes or no, a line for each entry, or the text."""
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, dict):
        return "\n".join(f"{name}: {text}" for name, text in value.items())
    return str(value)


class VersionedAdmin(ServiceAdmin, RestrictedFiltersAdmin):
    """Adds pages for versions and preview to a model's admin."""

    restore: Callable[..., Any]

    @admin.display(description=_("Versions"))
    def newest_versions(self, thing: Any) -> str:
        """Show who saved the newest versions and when, as text: a form with an inline of many versions is too large."""
        if thing.pk is None:
            return "-"
        newest = thing.versions.select_related("saved_by").order_by("-number")[:NEWEST]
        rows = [
            (one.number, date_format(timezone.localtime(one.saved_at), "DATETIME_FORMAT"), one.saved_by or "-")
            for one in newest
        ]
        return format_html_join("", "<div>{} · {} · {}</div>", rows) or "-"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        left_out: set[str] = set()
        if obj is None:
            left_out = {"version", "newest_versions"}
        elif not self.has_change_permission(request, obj):
            left_out = {"opened_with"}
        return [name for name in fields if name not in left_out]

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

    def saved(self, thing: Any) -> Any:
        """Return `thing` as stored, without the values of an invalid form; None for a new one."""
        return None if thing.pk is None else self.model._default_manager.get(pk=thing.pk)

    def page_context(self, request: HttpRequest, thing: Any, title: Any) -> dict[str, Any]:
        """Return the context that all pages need."""
        return {
            **self.admin_site.each_context(request),
            "title": f"{thing}: {title}",
            "page_title": title,
            "opts": self.opts,
            "thing": thing,
            "original": thing,
        }

    def versions_page(self, request: HttpRequest, thing: Any) -> HttpResponse:
        """List the versions, newest first; a POST restores one."""
        if request.method == "POST":
            return self._restore(request, thing)
        versions = Paginator(thing.versions.select_related("saved_by").order_by("-number"), A_PAGE)
        shown = versions.get_page(request.GET.get("page"))
        context = {
            **self.page_context(request, thing, _("Versions")),
            "versions": shown,
            "rows": self._with_changes(thing, list(shown)),
            "pages": versions.get_elided_page_range(shown.number),
            "may_change": self.has_change_permission(request, thing),
            **self._comparison(request, thing),
        }
        return TemplateResponse(request, "admin/notifications/versions.html", context)

    def _with_changes(self, thing: Any, shown: list[Any]) -> list[dict[str, Any]]:
        """Return each version with its values, and with its changes since the one before; None for the first."""
        below = thing.versions.filter(number__lt=shown[-1].number).order_by("-number").first() if shown else None
        older = [*shown[1:], below][: len(shown)]
        return [
            {
                "version": version,
                "values": self._labelled(version.data),
                "before": before,
                "changes": self._changes(before, version) if before else None,
            }
            for version, before in zip(shown, older, strict=True)
        ]

    def _comparison(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """Return the numbers to choose from, and the changes between the two that were chosen."""
        chosen = [request.GET.get(name, "") for name in ("from", "to")]
        numbers = [int(text) for text in chosen if text.isdecimal() and len(text) <= LONGEST_NUMBER]
        found = {one.number: one for one in thing.versions.filter(number__in=numbers)}
        context: dict[str, Any] = {
            "numbers": thing.versions.order_by("-number").values_list("number", flat=True)[:MOST_CHOICES]
        }
        if len(numbers) == 2 and len(found) == len(set(numbers)):
            old, new = (found[number] for number in numbers)
            context |= {"compared": (old, new), "compared_changes": self._changes(old, new)}
        return context

    def _changes(self, old: Any, new: Any) -> list[tuple[str, list[Line]]]:
        """Return the differing lines of each field that changed, with its label."""
        before, after = dict(self._labelled(old.data)), dict(self._labelled(new.data))
        found = [(name, compare(before.get(name, ""), after.get(name, ""))) for name in {**before, **after}]
        return [(name, lines) for name, lines in found if lines]

    def _labelled(self, data: dict[str, Any]) -> list[tuple[str, str]]:
        """Return the values of a version with the labels of their fields."""
        labels = {field.name: capfirst(field.verbose_name) for field in self.opts.fields}
        return [(str(labels.get(name, name)), _format(value)) for name, value in data.items()]

    def _restore(self, request: HttpRequest, thing: Any) -> HttpResponse:
        number = request.POST.get("number", "")
        if not self.has_change_permission(request, thing) or not number.isdecimal() or len(number) > LONGEST_NUMBER:
            raise PermissionDenied
        try:
            with transaction.atomic():
                self.restore(pk=thing.pk, number=int(number), by=request.user, client=client_of(request))
                sentence = _("Restored version %(number)s.") % {"number": number}
                history.record(request, [thing], sentence)
            messages.success(request, _("Version restored."))
        except BaseAppException as error:
            messages.error(request, error_text(error))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect(request.path)

    def try_page(self, request: HttpRequest, thing: Any) -> HttpResponse:
        """Show a preview."""
        raise NotImplementedError
