"""The confirmation page of an action: what it does, to which rows, and a form for its input."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin import widgets
from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.admin.lists import capped_count

CONFIRMED = "confirmed"
FROM_PAGE = "from_page"  # the action was started on the page of one row
MOST_NAMED = 10  # rows that the page names
LONGEST_REASON = 500


class ConfirmForm(forms.Form):
    """A confirmation without further input."""


class ReasonForm(ConfirmForm):
    """A reason, which is recorded."""

    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, help_text=_("It is recorded with your name.")
    )


def confirmed(request: HttpRequest, form_class: Callable[..., ConfirmForm] = ConfirmForm) -> ConfirmForm | None:
    """Return the valid form of a confirmed action; None if the confirmation page must be shown first."""
    form = form_class(request.POST if CONFIRMED in request.POST else None)
    return form if form.is_valid() else None


def page(
    model_admin: BaseAdmin,
    request: HttpRequest,
    queryset: QuerySet[Any],
    sentence: str,
    form_class: Callable[..., ConfirmForm] = ConfirmForm,
) -> TemplateResponse:
    """Return the confirmation page. sentence: what the action does to the rows."""
    form = form_class(request.POST if CONFIRMED in request.POST else None)
    widgets.style(form.fields.values())
    action = request.POST.get("action", "")
    name = str(dict(model_admin.get_action_choices(request)).get(action, action))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": name,
        "opts": model_admin.opts,
        "sentence": sentence,
        "rows": [model_admin.found_as(row) for row in queryset[:MOST_NAMED]],
        "more": max(0, capped_count(queryset) - MOST_NAMED),
        "form": form,
        "action": action,
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "across": request.POST.get("select_across", "0"),
        "from_page": request.POST.get(FROM_PAGE, ""),
    }
    return TemplateResponse(request, "admin/confirm.html", context)


def ask(
    model_admin: BaseAdmin, request: HttpRequest, queryset: QuerySet[Any], sentence: str
) -> TemplateResponse | None:
    """Return the confirmation page, with the number of rows as `%(count)s` in `sentence`; None if confirmed."""
    if confirmed(request) is not None:
        return None
    return page(model_admin, request, queryset, sentence % {"count": queryset.count()})


def back(model_admin: BaseAdmin, request: HttpRequest) -> HttpResponse | None:
    """Redirect to the page of the row if the action was started there; None if it was started in the list."""
    chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
    if FROM_PAGE not in request.POST or len(chosen) != 1:
        return None
    name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_change"
    return HttpResponseRedirect(reverse(name, args=[chosen[0]]))
