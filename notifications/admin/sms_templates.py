"""Templates of texts."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import client_of
from notifications.admin.forms import SmsTemplateForm, TryTextForm, reasons
from notifications.admin.versions import VersionedAdmin, direction
from notifications.models import SmsTemplate
from notifications.services.compose import sms
from notifications.services.compose.writing import MessageDraft
from notifications.services.templates import sms_templates, specs
from notifications.states import Channel
from rbac.services import decisions

SHOWN = 90  # characters of a text in the list
LONGEST_QUERY = 3000  # characters of an address that every server and browser on the way takes


def _segments(number: int) -> str:
    return ngettext("%(segments)s segment", "%(segments)s segments", number) % {"segments": number}


def _typed(request: HttpRequest) -> Any:
    """The values of an address that `_query` made, or None."""
    return request.GET if "language" in request.GET else None


def _query(form: TryTextForm) -> str:
    """What was typed, as the query of an address; too much of it is left out."""
    query = urlencode(form.cleaned_data)
    return query if len(query) <= LONGEST_QUERY else ""


def _own_phone(request: HttpRequest) -> str:
    """The caller's confirmed number, or ''."""
    user: Any = request.user
    return str(user.phone) if user.phone and user.phone_verified_at else ""


@admin.register(SmsTemplate)
class SmsTemplateAdmin(VersionedAdmin):
    """Written with care, tried before it is sent, restored when it was better before."""

    form = SmsTemplateForm
    list_display = ("name", "content_shown", "is_active", "version", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("name", "content", "description")
    ordering = ("name",)
    actions = ("delete_selected",)
    fields = (
        "name", "content", "translations", "description", "examples", "is_active", "variables", "size", "version",
        "newest_versions", "pages", "opened_with",
    )  # fmt: skip
    readonly_fields = ("variables", "size", "version", "newest_versions", "pages")

    @staticmethod
    def restore(thing: SmsTemplate, number: int, by: Any) -> None:
        sms_templates.restore(template=thing, number=number, by=by)

    @admin.display(description=_("content"), ordering="content")
    def content_shown(self, template: SmsTemplate) -> str:
        """The beginning: a text may fill a page."""
        return Truncator(template.content).chars(SHOWN)

    @admin.display(description=_("variables"))
    def variables(self, template: SmsTemplate) -> str:
        """The names that a send has to know."""
        saved = self.saved(template)
        return ", ".join(sms_templates.variables_of(saved)) if saved else "-"

    @admin.display(description=_("encoding and segments, as saved"))
    def size(self, template: SmsTemplate) -> str:
        """What the text costs in each language, with the examples for its variables."""
        saved = self.saved(template)
        if saved is None:
            return "-"
        examples = sms_templates.examples_of(saved)
        sizes = [
            (language, sms_templates.preview(template=saved, variables=examples, language=language).size)
            for language in dict.fromkeys([settings.LANGUAGE_CODE, *saved.translations])
        ]
        rows = [(language, size.encoding, _segments(size.segments)) for language, size in sizes]
        return format_html_join("", "<div>{}: {} · {}</div>", rows)

    def try_page(self, request: HttpRequest, thing: SmsTemplate) -> HttpResponse:
        """What the text would say and cost; a test goes to whoever asks for it, once however often it is reloaded."""
        may_send = decisions.has(request.user, "notifications:send")
        form = TryTextForm(request.POST or _typed(request), template=thing)
        is_valid = form.is_valid()
        asked = form.cleaned_data["language"] if is_valid else ""
        shown = None
        if is_valid or not form.is_bound:
            shown = sms_templates.preview(template=thing, variables=form.variables, language=asked)
        if request.method == "POST" and is_valid and "_send" in request.POST:
            if not may_send:
                raise PermissionDenied
            self._send(request, thing, asked)
            return redirect(f"{request.path}?{_query(form)}")
        language, _words = sms_templates.in_language(thing.content, thing.translations, asked)
        context = {
            **self.page_context(request, thing, _("Preview and test")),
            **direction(language),
            "form": form,
            "shown": shown,
            "may_send": may_send,
            "own_phone": _own_phone(request),
        }
        return TemplateResponse(request, "admin/notifications/try_text.html", context)

    @staticmethod
    def _send(request: HttpRequest, thing: SmsTemplate, language: str) -> None:
        """Send the text with example values to the caller's own number; what became of it stands above the page.

        Neither the values nor the number are chosen: a test is no way to write to somebody as the product.
        """
        shown = sms_templates.preview(template=thing, variables=sms_templates.examples_of(thing), language=language)
        draft = MessageDraft(sender=request.user, request_id=client_of(request).request_id)  # type: ignore[arg-type]
        try:
            sms.send_sms(to=_own_phone(request), text=shown.text, draft=draft)
        except BaseAppException as error:
            messages.error(request, " ".join([str(error.message), *reasons(error)]))
            return
        messages.success(request, _("The test is on its way."))

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user: Any = request.user
        before = sms_templates.variables_of(self.saved(form.instance)) if change else []
        sms_templates.save(template=form.instance, by=user, opened_with=form.cleaned_data.get("opened_with"))
        added = [name for name in sms_templates.variables_of(form.instance) if change and name not in before]
        if added:  # of a template that staff made up, only its senders know the names
            text = _("New variables: %(names)s. A send that gives no value for them is refused: check their spelling.")
            messages.warning(request, text % {"names": ", ".join(added)})

    @admin.action(description=delete_selected.short_description, permissions=["delete"])  # type: ignore[attr-defined]
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[SmsTemplate]) -> Any:
        """Django's own; nothing is deleted while a template of the product's is among the chosen."""
        kept = [template.name for template in queryset if specs.find(Channel.SMS, template.name) is not None]
        if not kept:
            return delete_selected(self, request, queryset)
        text = _("The product sends %(names)s: edit or deactivate them instead. Nothing was deleted.")
        self.message_user(request, text % {"names": ", ".join(kept)}, messages.ERROR)
        return None

    def delete_model(self, request: HttpRequest, obj: SmsTemplate) -> None:
        sms_templates.delete(template=obj, by=request.user)  # type: ignore[arg-type]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SmsTemplate]) -> None:
        for template in queryset:
            self.delete_model(request, template)

    def has_delete_permission(self, request: HttpRequest, obj: SmsTemplate | None = None) -> bool:
        is_declared = obj is not None and specs.find(Channel.SMS, obj.name) is not None
        return not is_declared and super().has_delete_permission(request, obj)
