"""Saved views: filters, search and order of a list under a name, for one user or for everybody who sees the list."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from foodfleet.core.admin import widgets
from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.models import SavedView

NOT_SAVED = ("p", "all", "e")  # the number of the page, and what Django adds by itself


class SavedViewForm(forms.ModelForm):  # type: ignore[type-arg]
    """The name of a view, and the list's query string."""

    class Meta:
        model = SavedView
        fields = ("name", "is_shared", "query")
        widgets = {"query": forms.HiddenInput}

    def clean_query(self) -> str:
        """Return the query without the page number. Filters are not checked: the list refuses unknown ones."""
        return normalized(self.cleaned_data["query"])


def normalized(query: str) -> str:
    """Return a query string in normal form, without the parameters that are not saved."""
    values = QueryDict(query, mutable=True)
    for name in NOT_SAVED:
        values.pop(name, None)
    return values.urlencode()


class SavedViewsAdmin(BaseAdmin):
    """An admin whose list shows the saved views as links above it."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        save = self.admin_site.admin_view(require_POST(self._add_saved_view))
        delete = self.admin_site.admin_view(require_POST(self._remove_saved_view))
        return [
            path("views/save/", save, name=f"{name}_save_view"),
            path("views/<int:pk>/delete/", delete, name=f"{name}_delete_view"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with its saved views; the one that is in use is marked."""
        query = normalized(request.GET.urlencode())
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context is not None and "cl" in context and not context.get("is_popup"):
            form = SavedViewForm(initial={"query": query}, auto_id="id_view_%s")
            widgets.style(form.fields.values())
            views = SavedView.objects.of_page(self.opts.label_lower, request.user)
            context.update(saved_views=list(views), view_form=form, view_query=query)
        return response

    def _add_saved_view(self, request: HttpRequest) -> HttpResponse:
        self._ensure_may_list(request)
        form = SavedViewForm(request.POST)
        if not form.is_valid():
            problems = [str(one) for some in form.errors.values() for one in some]
            self.message_user(request, " ".join(problems), messages.ERROR)
            return self._list("")
        values = form.cleaned_data
        SavedView.objects.save_as(request.user, self.opts.label_lower, **values)
        self.message_user(request, _("The view was saved."), messages.SUCCESS)
        return self._list(values["query"])

    def _remove_saved_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._ensure_may_list(request)
        get_object_or_404(SavedView.objects.of(request.user), pk=pk, page=self.opts.label_lower).delete()
        self.message_user(request, _("The view was deleted."), messages.SUCCESS)
        return self._list("")

    def _ensure_may_list(self, request: HttpRequest) -> None:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied

    def _list(self, query: str) -> HttpResponse:
        listed = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return HttpResponseRedirect(f"{listed}?{query}" if query else listed)
