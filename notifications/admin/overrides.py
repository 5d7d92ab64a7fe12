"""E-mail overrides in the admin."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.base import Subject
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.views import frames_email
from notifications.admin.forms import LANGUAGES, EmailOverrideForm, error_text
from notifications.admin.versions import VersionedAdmin, direction
from notifications.models import EmailOverride
from notifications.services.compose import samples
from notifications.services.templates import overrides, rendering, specs
from notifications.states import Channel
from rbac.services import decisions


@admin.register(EmailOverride)
class EmailOverrideAdmin(VersionedAdmin):
    """Overrides with a preview as HTML and text, and a test e-mail."""

    subject, icon = Subject.MESSAGES, "edit_note"
    form = EmailOverrideForm
    restore = staticmethod(overrides.restore)
    list_display = ("template", "language_shown", "subject", "is_active", "version", "updated_at")
    list_filter = ("is_active", "language")
    search_fields = ("template", "subject")
    ordering = ("template", "language")
    fields = (
        "template",
        "language",
        "subject",
        "html",
        "text",
        "is_active",
        "variables",
        "version",
        "newest_versions",
        "pages",
        "opened_with",
    )
    readonly_fields = ("variables", "version", "newest_versions", "pages")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with the product's own content for `?template=...&language=...`."""
        data: dict[str, Any] = super().get_changeform_initial_data(request)
        language = data.get("language", "")
        known = specs.find(Channel.EMAIL, data.get("template", ""))
        if known is not None and (not language or language in dict(settings.LANGUAGES)):
            content = rendering.own_content(known.name, language)
            data |= {"subject": content.subject, "html": content.html, "text": content.text}
        return data

    @admin.display(description=_("variables"))
    def variables(self, override: EmailOverride) -> str:
        """Show the variables of the e-mails, with * for the required ones."""
        saved = self.saved(override)
        email_specs = [
            spec for spec in specs.for_channel(Channel.EMAIL) if saved is None or spec.name == saved.template
        ]
        rows = [
            (
                spec.name,
                "" if saved else self._start_links(spec.name),
                ", ".join(f"{v.name}{'*' if v.is_required else ''} ({v.example})" for v in spec.variables),
            )
            for spec in email_specs
        ]
        return format_html_join("", "<p><strong>{}</strong> {} {}</p>", rows) or "-"

    @staticmethod
    def _start_links(template: str) -> str:
        """Show a link for each language, which fills the form with the product's own content."""
        links = [(template, code, code) for code, _name in settings.LANGUAGES]
        return format_html_join(" ", '<a href="?template={}&amp;language={}">{}</a>', links)

    def get_urls(self) -> list[URLPattern]:
        frame = frames_email(self._guarded(self.frame_page))
        return [path("<int:pk>/frame/", frame, name="notifications_emailoverride_frame"), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: EmailOverride | None = None) -> Any:
        """Show template and language as text: versions belong to one e-mail in one language."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else ("template", "language_shown", *fields)

    def get_fields(self, request: HttpRequest, obj: EmailOverride | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj is None else ["language_shown" if name == "language" else name for name in fields]

    @admin.display(description=_("language"), ordering="language")
    def language_shown(self, override: EmailOverride) -> str:
        """Show the name of the language."""
        return str(dict(LANGUAGES).get(override.language, override.language))

    def try_page(self, request: HttpRequest, thing: EmailOverride) -> HttpResponse:
        """Show the e-mail with example values; a POST sends it to the user."""
        may_send = decisions.has(request.user, "notifications:send")
        context = {**self.page_context(request, thing, _("Preview and test")), **direction(samples.language_of(thing))}
        try:
            content = samples.email(thing)
        except BaseAppException as error:  # the product no longer has the e-mail, or its variables changed
            context["error"] = error_text(error)
            return TemplateResponse(request, "admin/notifications/try_email.html", context)
        if request.method == "POST":
            if not may_send:
                raise PermissionDenied
            self._send(request, thing)
            return redirect(request.path)
        own = rendering.render_files(thing.template, samples.examples_of(thing), samples.language_of(thing))
        context |= {"content": content, "own": own, "may_send": may_send}
        return TemplateResponse(request, "admin/notifications/try_email.html", context)

    def frame_page(self, request: HttpRequest, thing: EmailOverride) -> HttpResponse:
        """Return the HTML alone, or the error as text."""
        try:
            return HttpResponse(samples.email(thing).html)
        except BaseAppException as error:
            return HttpResponse(str(error.message), content_type="text/plain; charset=utf-8")

    @staticmethod
    def _send(request: HttpRequest, thing: EmailOverride) -> None:
        user: Any = request.user
        try:
            samples.send_email(override=thing, by=user, client=client_of(request))
            messages.success(request, _("Test message queued."))
        except BaseAppException as error:
            messages.error(request, error_text(error))

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user: Any = request.user
        opened_with = form.cleaned_data.get("opened_with")
        overrides.save(override=form.instance, by=user, opened_with=opened_with, client=client_of(request))

    def delete_model(self, request: HttpRequest, obj: EmailOverride) -> None:
        user: Any = request.user
        overrides.delete(override=obj, by=user, client=client_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[EmailOverride]) -> None:
        with transaction.atomic():
            for override in queryset:
                self.delete_model(request, override)
