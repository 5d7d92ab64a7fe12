"""The form of a template with a live preview, variables to insert, and links to versions and test messages."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from notifications.admin.versions import VersionedAdmin


class TemplateEditorAdmin(VersionedAdmin):
    """Shows a preview of the form's content before it is saved.

    preview_template: the template of the preview alone, which the script inserts into the page.
    """

    change_form_template = "admin/notifications/template_form.html"
    compressed_fields = False  # labels above fields, which need the width
    preview_template: ClassVar[str]

    class Media:
        js = ("foodfleet/template_editor.js",)

    def get_urls(self) -> list[URLPattern]:
        name, view = f"notifications_{self.opts.model_name}_preview", self._of_draft(self.preview_page)
        return [
            path("add/preview/", view, name=f"{name}_new"),
            path("<int:pk>/preview/", view, name=name),
            *super().get_urls(),
        ]

    def _of_draft(self, page: Any) -> Any:
        """Return a view of an unsaved form, for users who may save it."""

        def view(request: HttpRequest, pk: int | None = None) -> HttpResponse:
            saved = None if pk is None else self.get_object(request, str(pk))
            if pk is not None and saved is None:
                raise Http404
            may = self.has_change_permission(request, saved) if saved else self.has_add_permission(request)
            if not may:
                raise PermissionDenied
            form = self.draft_form(request, saved)
            form.is_valid()
            response: HttpResponse = page(request, form)
            return response

        return self.admin_site.admin_view(require_POST(view))

    def draft_form(self, request: HttpRequest, saved: Any) -> forms.ModelForm:  # type: ignore[type-arg]
        """Return the form bound to a draft, without the fields that the page shows as text. It saves nothing.

        `?prefix=` is that of its fields, on a page with several forms.
        """
        form = self.form(request.POST, instance=saved, prefix=request.GET.get("prefix"))
        for name in ("opened_with", *self.kept_fields(saved)):
            form.fields.pop(name, None)
        return form

    def kept_fields(self, saved: Any) -> tuple[str, ...]:
        """Return the fields that cannot be changed after the template was saved."""
        return ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.kept_fields(obj), *super().get_readonly_fields(request, obj))

    def preview_page(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Return the preview alone for the script, otherwise a page with it."""
        context = {"preview": self.preview_of(form.instance, draft_errors(form)), "opts": self.opts}
        if request.headers.get("X-Requested-With") == "fetch":
            return TemplateResponse(request, self.preview_template, context)
        context |= {**self.admin_site.each_context(request), "title": _("Preview")}
        return TemplateResponse(request, "admin/notifications/preview.html", context | {"part": self.preview_template})

    def preview_of(self, draft: Any, errors: list[str]) -> dict[str, Any]:
        """Return the context of the preview. errors: of the form, to which those of the service are added."""
        raise NotImplementedError

    def variables_of(self, draft: Any) -> list[tuple[str, Any, bool]]:
        """Return the text to insert, an example value, and whether it is required, for each variable."""
        raise NotImplementedError

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= self.editor_context(request, self.saved(obj) if obj else None, context["adminform"].form.instance)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def editor_context(self, request: HttpRequest, saved: Any, draft: Any) -> dict[str, Any]:
        """Return the context of the panels beside the form. draft: the template, if it was never saved."""
        may_edit = self.has_change_permission(request, saved) if saved else True
        name = f"admin:notifications_{self.opts.model_name}"
        return {
            "preview": self.preview_of(saved, []) if saved else None,
            "preview_template": self.preview_template,
            "preview_url": self._url(saved, "preview") if may_edit else "",
            "variables": self.variables_of(saved or draft),
            "may_edit": may_edit,
            "try_url": reverse(f"{name}_try", args=[saved.pk]) if saved else "",
            "versions_url": reverse(f"{name}_versions", args=[saved.pk]) if saved else "",
        }

    def _url(self, saved: Any, page: str) -> str:
        name = f"admin:notifications_{self.opts.model_name}_{page}"
        return reverse(name, args=[saved.pk]) if saved else reverse(f"{name}_new")


def draft_errors(form: Any) -> list[str]:
    """Return the errors of a form with the labels of their fields."""
    return [
        f"{capfirst(form.fields[name].label)}: {message}" if name in form.fields else str(message)
        for name, messages in form.errors.items()
        for message in messages
    ]
