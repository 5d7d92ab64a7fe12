"""SMS templates in the admin."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin import widgets
from foodfleet.core.admin.base import Subject
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import client_of
from notifications.admin.editor import TemplateEditorAdmin
from notifications.admin.forms import PreviewForm, SmsTemplateForm, error_text
from notifications.admin.languages import SOURCE, direction_of
from notifications.admin.versions import direction
from notifications.models import SmsTemplate
from notifications.services.compose import samples
from notifications.services.operations import statistics
from notifications.services.templates import sms_templates, specs
from notifications.states import Channel
from rbac.services import decisions

SHOWN = 90  # characters of the content in the list
LONGEST_QUERY = 3000  # characters of a URL that every server and browser accepts


def _values_in_url(request: HttpRequest) -> Any:
    """Return the values of a URL from `_query`, or None."""
    return request.GET if "language" in request.GET else None


def _query(form: PreviewForm) -> str:
    """Return the entered values as a query string; '' if it would be too long."""
    query = urlencode(form.cleaned_data)
    return query if len(query) <= LONGEST_QUERY else ""


@admin.register(SmsTemplate)
class SmsTemplateAdmin(TemplateEditorAdmin):
    """SMS templates with previews, test messages and versions."""

    subject, icon = Subject.MESSAGES, "sms"
    searched_everywhere = True
    form = SmsTemplateForm
    restore = staticmethod(sms_templates.restore)
    preview_template = "admin/notifications/preview_sms.html"
    list_display = ("name", "content_shown", "languages", "is_active", "version", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("name", "content", "description")
    ordering = ("name",)
    actions = ("delete_selected",)
    fields = (
        "name", "content", "translations", "description", "examples", "is_active", "version", "newest_versions",
        "opened_with",
    )  # fmt: skip
    readonly_fields = ("version", "newest_versions")

    @admin.display(description=_("content"), ordering="content")
    def content_shown(self, template: SmsTemplate) -> str:
        """Show the first characters."""
        return Truncator(template.content).chars(SHOWN)

    @admin.display(description=_("languages"))
    def languages(self, template: SmsTemplate) -> str:
        """Show the languages with their own content."""
        return ", ".join(dict.fromkeys([SOURCE, *template.translations]))

    def kept_fields(self, saved: SmsTemplate | None) -> tuple[str, ...]:
        """Return the name for templates of the product."""
        return ("name",) if saved is not None and specs.find(Channel.SMS, saved.name) is not None else ()

    def variables_of(self, draft: SmsTemplate) -> list[tuple[str, Any, bool]]:
        spec = specs.find(Channel.SMS, draft.name)
        required = spec.required if spec else frozenset(sms_templates.variables_of(draft))
        return [
            (f"{{{{{name}}}}}", value, name in required) for name, value in sms_templates.examples_of(draft).items()
        ]

    def preview_of(self, draft: SmsTemplate, errors: list[str]) -> dict[str, Any]:
        """Return the SMS in each language that has one, with its size."""
        try:
            sms_templates.check(draft)
        except BaseAppException as error:
            errors = errors or [error_text(error)]
        shown: dict[str, Any] = {"errors": errors, "messages": [], "prices": statistics.reported_sms_prices()}
        if not errors:
            examples, names = sms_templates.examples_of(draft), dict(settings.LANGUAGES)
            for code in dict.fromkeys([SOURCE, *draft.translations]):
                sms = sms_templates.preview(template=draft, variables=examples, language=code)
                one = {"language": names.get(code, code), "code": code, "direction": direction_of(code), "sms": sms}
                shown["messages"].append(one)
        return shown

    def try_page(self, request: HttpRequest, thing: SmsTemplate) -> HttpResponse:
        """Show the SMS and its size. With `_send` it is sent to the user, and a redirect prevents repeats by reload."""
        user: Any = request.user
        may_send = decisions.has(user, "notifications:send")
        form = PreviewForm(request.POST or _values_in_url(request), template=thing)
        widgets.style(form.fields.values())
        is_valid = form.is_valid()
        language = form.cleaned_data["language"] if is_valid else ""
        shown = None
        if is_valid or not form.is_bound:
            shown = sms_templates.preview(template=thing, variables=form.variables, language=language)
        if request.method == "POST" and is_valid and "_send" in request.POST:
            if not may_send:
                raise PermissionDenied
            self._send(request, thing, language)
            return redirect(f"{request.path}?{_query(form)}")
        shown_language, _content = sms_templates.in_language(thing.content, thing.translations, language)
        context = {
            **self.page_context(request, thing, _("Preview and test")),
            **direction(shown_language),
            "form": form,
            "shown": shown,
            "may_send": may_send,
            "own_phone": samples.own_phone(user),
        }
        return TemplateResponse(request, "admin/notifications/try_sms.html", context)

    @staticmethod
    def _send(request: HttpRequest, thing: SmsTemplate, language: str) -> None:
        """Send the SMS with example values to the user's own number."""
        user: Any = request.user
        try:
            samples.send_sms(template=thing, language=language, by=user, client=client_of(request))
        except BaseAppException as error:
            messages.error(request, error_text(error))
            return
        messages.success(request, _("Test message queued."))

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user: Any = request.user
        before = sms_templates.variables_of(self.saved(form.instance)) if change else []
        opened_with = form.cleaned_data.get("opened_with")
        sms_templates.save(template=form.instance, by=user, opened_with=opened_with, client=client_of(request))
        added = [name for name in sms_templates.variables_of(form.instance) if change and name not in before]
        if added:  # for templates of staff, only the senders know the names
            text = _("New variables: %(names)s. Messages without a value for them are refused. Check the spelling.")
            messages.warning(request, text % {"names": ", ".join(added)})

    @admin.action(description=delete_selected.short_description, permissions=["delete"])  # type: ignore[attr-defined]
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[SmsTemplate]) -> Any:
        """Delete the selected templates, unless the product sends one of them."""
        product_templates = [
            template.name for template in queryset if specs.find(Channel.SMS, template.name) is not None
        ]
        if not product_templates:
            return delete_selected(self, request, queryset)
        text = _("Nothing was deleted. The product sends %(names)s: edit or deactivate them instead.")
        self.message_user(request, text % {"names": ", ".join(product_templates)}, messages.ERROR)
        return None

    def delete_model(self, request: HttpRequest, obj: SmsTemplate) -> None:
        user: Any = request.user
        sms_templates.delete(template=obj, by=user, client=client_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SmsTemplate]) -> None:
        for template in queryset:
            self.delete_model(request, template)

    def has_delete_permission(self, request: HttpRequest, obj: SmsTemplate | None = None) -> bool:
        is_declared = obj is not None and specs.find(Channel.SMS, obj.name) is not None
        return not is_declared and super().has_delete_permission(request, obj)
