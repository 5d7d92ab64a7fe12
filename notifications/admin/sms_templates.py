"""Templates of texts."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from foodfleet.core.clients import client_of
from foodfleet.core.exceptions import BaseAppException
from notifications.admin.forms import SmsTemplateForm, TryTextForm, reasons
from notifications.admin.versions import VersionedAdmin
from notifications.models import SmsTemplate
from notifications.services import catalogue, sms, templates
from notifications.services.writing import Order
from notifications.states import Channel
from rbac.services import decisions


@admin.register(SmsTemplate)
class SmsTemplateAdmin(VersionedAdmin):
    """Written with care, tried before it is sent, restored when it was better before."""

    form = SmsTemplateForm
    list_display = ("name", "content", "is_active", "version", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("name", "content", "description")
    ordering = ("name",)
    fields = (
        "name", "content", "translations", "description", "examples", "is_active", "variables", "size", "version",
        "newest_versions", "pages", "opened_with",
    )  # fmt: skip
    readonly_fields = ("variables", "size", "version", "newest_versions", "pages")

    @staticmethod
    def restore(thing: SmsTemplate, number: int, by: Any) -> None:
        templates.restore(template=thing, number=number, by=by)

    @admin.display(description=_("variables"))
    def variables(self, template: SmsTemplate) -> str:
        """The names that a send has to know."""
        return ", ".join(templates.variables_of(template)) if template.pk else "-"

    @admin.display(description=_("encoding and segments"))
    def size(self, template: SmsTemplate) -> str:
        """What the text costs in each language, with the examples for its variables."""
        if not template.pk:
            return "-"
        examples = templates.examples_of(template)
        sizes = [
            (language, templates.preview(template=template, variables=examples, language=language).size)
            for language in dict.fromkeys([settings.LANGUAGE_CODE, *template.translations])
        ]
        rows = [(language, size.encoding, size.segments) for language, size in sizes]
        return format_html_join("", "<div>{}: {} · {}</div>", rows)

    def try_page(self, request: HttpRequest, thing: SmsTemplate) -> HttpResponse:
        """What the text would say and cost; with a number, a test goes there."""
        form = TryTextForm(request.POST or None, template=thing)
        is_valid = form.is_valid()
        shown = None
        if is_valid or not form.is_bound:
            language = form.cleaned_data["language"] if is_valid else ""
            shown = templates.preview(template=thing, variables=form.variables, language=language)
        if is_valid and shown is not None and form.cleaned_data["phone"]:
            self._send(request, form.cleaned_data["phone"], shown)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{thing}: {_('Preview and test')}",
            "opts": self.opts,
            "thing": thing,
            "form": form,
            "shown": shown,
        }
        return TemplateResponse(request, "admin/notifications/try_text.html", context)

    @staticmethod
    def _send(request: HttpRequest, phone: str, shown: templates.Preview) -> None:
        if not decisions.has(request.user, "notifications:send"):
            raise PermissionDenied
        if shown.missing:
            messages.error(request, _("Give each variable a value first."))
            return
        order = Order(sender=request.user, request_id=client_of(request).request_id)  # type: ignore[arg-type]
        try:
            sms.send_sms(to=phone, text=shown.text, order=order)
            messages.success(request, _("The test is on its way."))
        except BaseAppException as error:
            messages.error(request, " ".join([str(error.message), *reasons(error)]))

    def carry_out(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user: Any = request.user
        templates.save(template=form.instance, by=user, opened_with=form.cleaned_data.get("opened_with"))

    def delete_model(self, request: HttpRequest, obj: SmsTemplate) -> None:
        templates.delete(template=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SmsTemplate]) -> None:
        for template in queryset:
            self.delete_model(request, template)

    def has_delete_permission(self, request: HttpRequest, obj: SmsTemplate | None = None) -> bool:
        is_declared = obj is not None and catalogue.find(Channel.SMS, obj.name) is not None
        return not is_declared and super().has_delete_permission(request, obj)
