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
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.base import Subject
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.views import frames_email
from notifications.admin import languages
from notifications.admin.editor import draft_errors
from notifications.admin.email_languages import EmailLanguagesAdmin
from notifications.admin.forms import LANGUAGES, EmailOverrideForm, error_text
from notifications.admin.languages import SOURCE, direction_of
from notifications.admin.versions import direction
from notifications.models import EmailOverride
from notifications.services.compose import samples
from notifications.services.templates import overrides, rendering, specs
from notifications.states import Channel
from rbac.services import decisions


@admin.register(EmailOverride)
class EmailOverrideAdmin(EmailLanguagesAdmin):
    """Overrides with a preview as HTML and text, and a test e-mail."""

    subject, icon = Subject.MESSAGES, "edit_note"
    form = EmailOverrideForm
    change_form_template = "admin/notifications/email_form.html"
    preview_template = "admin/notifications/preview_email.html"
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
        "version",
        "newest_versions",
        "opened_with",
    )
    readonly_fields = ("version", "newest_versions")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form for `?template=...`, otherwise the e-mails to choose from."""
        may_choose = self.has_add_permission(request) and self.has_view_permission(request)
        if request.method == "GET" and not request.GET.get("template") and may_choose:
            return self.emails_page(request)
        return super().add_view(request, form_url, extra_context)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with the product's own content for `?template=...&language=...`."""
        data: dict[str, Any] = super().get_changeform_initial_data(request)
        language = data.get("language", "")
        known = specs.find(Channel.EMAIL, data.get("template", ""))
        if known is not None and (not language or language in dict(settings.LANGUAGES)):
            content = rendering.own_content(known.name, language)
            data |= {"subject": content.subject, "html": content.html, "text": content.text}
        return data

    # -- The editor
    def kept_fields(self, saved: EmailOverride | None) -> tuple[str, ...]:
        """Return e-mail and language: versions belong to one e-mail in one language."""
        return () if saved is None else ("template", "language")

    def variables_of(self, draft: EmailOverride) -> list[tuple[str, Any, bool]]:
        spec = specs.find(Channel.EMAIL, draft.template)
        return [(f"{{{{ {v.name} }}}}", v.example, v.is_required) for v in spec.variables] if spec else []

    def preview_of(self, draft: EmailOverride, errors: list[str]) -> dict[str, Any]:
        """Return the subject and the text with example values. The HTML is in a separate frame."""
        language = samples.language_of(draft)
        shown: dict[str, Any] = {"errors": errors, "code": language, "direction": direction_of(language)}
        try:
            shown["content"] = None if errors else samples.draft_email(draft)
        except BaseAppException as error:
            shown["errors"] = [error_text(error)]
        return shown

    def draft_frame(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Return only the HTML of a draft, or its errors as text."""
        preview = self.preview_of(form.instance, draft_errors(form))
        if preview["errors"]:
            return HttpResponse("\n".join(preview["errors"]), content_type="text/plain; charset=utf-8")
        return HttpResponse(preview["content"].html)

    def editor_context(self, request: HttpRequest, saved: Any, draft: Any) -> dict[str, Any]:
        """Add the frame for the HTML, the languages of the e-mail, and its source."""
        template = self._template_of(request, saved)
        spec = specs.find(Channel.EMAIL, template)
        return {
            **super().editor_context(request, saved, EmailOverride(template=template)),
            "frame_url": reverse("admin:notifications_emailoverride_frame", args=[saved.pk]) if saved else "",
            "draft_frame_url": self._url(saved, "draft_frame"),
            "email_languages": languages.of_email(template) if spec else [],
            "email_source": rendering.current_content(template, SOURCE) if spec else None,
            "source": SOURCE,
            "source_language": dict(settings.LANGUAGES)[SOURCE],
            "languages_url": reverse("admin:notifications_emailoverride_languages", args=[template]) if spec else "",
        }

    @staticmethod
    def _template_of(request: HttpRequest, saved: EmailOverride | None) -> str:
        return saved.template if saved else request.POST.get("template", request.GET.get("template", ""))

    def get_urls(self) -> list[URLPattern]:
        frame = frames_email(self._guarded(self.frame_page))
        draft = frames_email(self._of_draft(self.draft_frame))
        name = "notifications_emailoverride_draft_frame"
        return [
            path("<int:pk>/frame/", frame, name="notifications_emailoverride_frame"),
            path("add/preview/frame/", draft, name=f"{name}_new"),
            path("<int:pk>/preview/frame/", draft, name=name),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: EmailOverride | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else ("language_shown", *fields)

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
        """Return only the HTML, or the error as text."""
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
