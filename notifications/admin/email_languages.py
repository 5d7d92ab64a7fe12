"""All languages of one e-mail on one page: each beside the source, and a preview of each."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin import widgets
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.views import frames_email
from notifications.admin import languages
from notifications.admin.editor import TemplateEditorAdmin
from notifications.admin.forms import EmailLanguageForm, error_text
from notifications.admin.languages import SOURCE, EmailLanguage, direction_of
from notifications.models import EmailOverride
from notifications.services.compose import samples
from notifications.services.templates import rendering, specs
from notifications.services.templates.precompiled import EmailContent
from notifications.states import Channel

NAME = "notifications_emailoverride_languages"
ALL = "all"  # in URLs and names of fields: the override for all languages without their own


class EmailLanguagesAdmin(TemplateEditorAdmin):
    """Mixin with the list of the product's e-mails, and the page with all languages of one."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("emails/", view(self.emails_page), name="notifications_emailoverride_emails"),
            path("emails/<str:template>/", view(self.languages_page), name=NAME),
            path("emails/<str:template>/<slug:code>/", frames_email(view(self.sent_frame)), name=f"{NAME}_sent"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the overrides, with a link to all e-mails of the product."""
        link = {"url": reverse("admin:notifications_emailoverride_emails"), "title": _("All e-mails and languages")}
        return super().changelist_view(request, {"list_links": [link], **(extra_context or {})})

    def emails_page(self, request: HttpRequest) -> HttpResponse:
        """List the product's e-mails, with the languages that have an override."""
        self._ensure_may_view(request)
        overridden = set(EmailOverride.objects.filter(is_active=True).values_list("template", "language"))
        emails = [
            (spec, [(name, (spec.name, code) in overridden) for code, name in languages.choices()])
            for spec in specs.for_channel(Channel.EMAIL)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": _("All e-mails and languages"),
            "opts": self.opts,
            "emails": emails,
            "names": [name for _code, name in languages.choices()],
        }
        return TemplateResponse(request, "admin/notifications/emails.html", context)

    def languages_page(self, request: HttpRequest, template: str) -> HttpResponse:
        """Show all languages of an e-mail side by side; a POST saves those that were changed."""
        self._ensure_may_view(request)
        spec = self._spec_of(template)
        panes = [self._pane(request, one) for one in languages.of_email(template)]
        may_edit = any(pane["form"].may_edit for pane in panes)
        if request.method == "POST":
            if not may_edit:
                raise PermissionDenied
            if self._save_changed(request, [pane["form"] for pane in panes]):
                return redirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{spec.name}: {_('Languages')}",
            "opts": self.opts,
            "spec": spec,
            "panes": panes,
            "may_edit": may_edit,
            "source": rendering.current_content(template, SOURCE),
            "source_code": SOURCE,
            "source_language": dict(settings.LANGUAGES)[SOURCE],
            "variables": self.variables_of(EmailOverride(template=template)),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/notifications/email_languages.html", context)

    def sent_frame(self, request: HttpRequest, template: str, code: str) -> HttpResponse:
        """Return only the HTML of the e-mail in one language, or the error as text."""
        self._ensure_may_view(request)
        self._spec_of(template)
        found = next((one for one in languages.of_email(template) if (one.code or ALL) == code), None)
        if found is None:
            raise Http404
        try:
            return HttpResponse(_sent(found).html)
        except BaseAppException as error:
            return HttpResponse(str(error.message), content_type="text/plain; charset=utf-8")

    def _ensure_may_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    @staticmethod
    def _spec_of(template: str) -> specs.TemplateSpec:
        spec = specs.find(Channel.EMAIL, template)
        if spec is None:
            raise Http404
        return spec

    def _pane(self, request: HttpRequest, one: EmailLanguage) -> dict[str, Any]:
        """Return the form and the preview of one language."""
        saved, prefix = one.override, one.code or ALL
        may_edit = self.has_change_permission(request, saved) if saved else self.has_add_permission(request)
        form = EmailLanguageForm(request.POST or None, of=one, may_edit=may_edit, prefix=prefix)
        widgets.style(form.fields.values())
        shown = one.code or SOURCE
        is_empty = not (one.code or saved)
        query = f"?prefix={prefix}"
        return {
            "language": one,
            "form": form,
            "prefix": prefix,
            "preview": None if is_empty else self._preview(one) | {"code": shown, "direction": direction_of(shown)},
            "sent_url": "" if is_empty else reverse(f"admin:{NAME}_sent", args=[one.template, prefix]),
            "preview_url": f"{self._url(saved, 'preview')}{query}" if may_edit else "",
            "draft_frame_url": f"{self._url(saved, 'draft_frame')}{query}" if may_edit else "",
            "built_in": rendering.own_content(one.template, one.code) if saved and one.code else None,
        }

    @staticmethod
    def _preview(one: EmailLanguage) -> dict[str, Any]:
        try:
            return {"errors": [], "content": _sent(one)}
        except BaseAppException as error:
            return {"errors": [error_text(error)], "content": None}

    def _save_changed(self, request: HttpRequest, forms: list[EmailLanguageForm]) -> bool:
        """Save the languages that were changed, all or none. Returns False if a form has an error."""
        changed = [form for form in forms if form.is_edited]
        if [form for form in changed if not form.is_valid()]:
            return False
        is_new = {form: form.instance.pk is None for form in changed}
        with transaction.atomic():
            for form in changed:
                self._save_by_service(request, form, change=not is_new[form])
            if any(form.errors for form in changed):
                transaction.set_rollback(True)
                return False
            for form in changed:
                self._log(request, form, is_new=is_new[form])
        names = ", ".join(str(form.language.name) for form in changed)
        text = _("Saved: %(names)s") % {"names": names} if changed else _("Nothing was changed.")
        messages.success(request, text)
        return True

    def _log(self, request: HttpRequest, form: Any, *, is_new: bool) -> None:
        """Record the change in the history of the override, as the form of one override does."""
        message = self.construct_change_message(request, form, [], add=is_new)
        if is_new:
            self.log_addition(request, form.instance, message)
        else:
            self.log_change(request, form.instance, message)


def _sent(one: EmailLanguage) -> EmailContent:
    """Render what is sent in one language, or an override that is switched off. Raises as `rendering.render_email`."""
    if one.override is not None:
        return samples.email(one.override)
    examples = specs.find(Channel.EMAIL, one.template).examples  # type: ignore[union-attr]
    return rendering.render_email(one.template, examples, one.code)
