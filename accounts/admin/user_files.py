"""Import and export of users as CSV in the admin. An import starts with a dry run."""

import binascii
import zlib
from base64 import b64decode, b64encode
from io import BytesIO
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.admin.shared import by
from accounts.services.staff import exports, imports
from accounts.services.staff.import_columns import COLUMNS
from accounts.services.staff.imports import MAX_INVITED, MAX_LINES, Mode, Report
from foodfleet.core.admin import widgets
from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.admin.forms import error_message
from foodfleet.core.admin.lists import all_found
from foodfleet.core.exceptions import BaseAppException, ValidationException
from foodfleet.core.http.form_errors import add_errors
from foodfleet.core.http.lists.csv_export import csv_response

MEBIBYTE = 1024 * 1024
MAX_FILE_SIZE = 2 * MEBIBYTE  # as in the API
MAX_PROBLEMS_ON_PAGE = 100  # the CSV file has all that the service returns


class ImportForm(forms.Form):
    """A file to check, or the content of the file of the dry run, which the page sends back."""

    file = forms.FileField(label=_("File (CSV, or the JSON of a Keycloak realm)"), required=False)
    invite = forms.BooleanField(
        label=_("Invite those without a password by e-mail"), required=False, help_text=_("At most 1,000 lines.")
    )
    checked = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Set `content`: the bytes of the file."""
        values = super().clean() or {}
        file = values.get("file")
        if file is not None and file.size > MAX_FILE_SIZE:
            self.add_error("file", _("The file has more than 2 MiB. Split it, or use the command import_users."))
        elif file is None and not values.get("checked"):
            self.add_error("file", _("Choose a file."))
        else:
            values["content"] = file.read() if file is not None else self._unpacked(values["checked"])
        return values

    def _unpacked(self, text: str) -> bytes:
        """Return the content of the file of the dry run. The import validates it again."""
        unpacker = zlib.decompressobj()
        try:
            return unpacker.decompress(b64decode(text, validate=True), MAX_FILE_SIZE)
        except (binascii.Error, zlib.error):
            self.add_error("file", _("Choose a file."))
            return b""


class UserFilesAdmin(BaseAdmin):
    """Mixin with the import and the export, two URLs below the list of users."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("import/", view(self._import), name="accounts_user_import"),
            path("export/", view(require_GET(self._export)), name="accounts_user_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with links to the import and to an export of the filtered list."""
        links = [(reverse("admin:accounts_user_export", query=request.GET), _("Export as CSV"))]
        if self.has_add_permission(request):
            links.append((reverse("admin:accounts_user_import"), _("Import users")))
        context = {"list_links": [{"url": url, "title": title} for url, title in links], **(extra_context or {})}
        return super().changelist_view(request, context)

    # -- Export
    def _export(self, request: HttpRequest) -> HttpResponseBase:
        """Stream all people that match filters and search of the list, and record the export."""
        found = all_found(self, request)
        if found is None:
            return redirect("admin:accounts_user_changelist")
        rows = exports.rows_for_staff(
            found=found.prefetch_related(None),
            filters=[name for name in request.GET if request.GET[name]],
            **by(request),
        )
        return csv_response("users.csv", exports.STAFF_COLUMNS, rows)

    # -- Import
    def _import(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form, the result of a dry run, or the result of the import."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
        if not form.is_valid():
            return self._import_page(request, form)
        content, is_confirmed = form.cleaned_data["content"], "confirmed" in request.POST
        mode = (Mode.INVITE if form.cleaned_data["invite"] else Mode.CREATE) if is_confirmed else Mode.CHECK
        try:
            report = imports.import_file(source=BytesIO(content), mode=mode, **by(request))
            if form.cleaned_data["invite"] and report.lines > MAX_INVITED:
                form.add_error("invite", _("At most 1,000 lines."))
        except ValidationException as error:
            add_errors(form, error, {})
        except BaseAppException as error:
            form.add_error(None, error_message(error))
            return self._import_page(request, form, status=error.status_code)
        if form.errors:
            return self._import_page(request, form)
        if "report" in request.POST:
            problems = ((one.line, one.field, one.message) for one in report.problems)
            return csv_response("problems.csv", ("line", "field", "message"), problems)
        return self._import_page(request, form, report=report, content=content, is_done=is_confirmed)

    def _import_page(
        self,
        request: HttpRequest,
        form: ImportForm,
        *,
        report: Report | None = None,
        content: bytes = b"",
        is_done: bool = False,
        status: int = 200,
    ) -> HttpResponse:
        if report is not None:
            checked = b64encode(zlib.compress(content)).decode()
            form = ImportForm(initial={"invite": form.cleaned_data["invite"], "checked": checked})
        widgets.style(form.fields.values())
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import users"),
            "opts": self.opts,
            "form": form,
            "report": report,
            "problems": report.problems[:MAX_PROBLEMS_ON_PAGE] if report else [],
            "is_done": is_done,
            "most_lines": MAX_LINES,
            "columns": COLUMNS,
        }
        return TemplateResponse(request, "admin/accounts/user/import.html", context, status=status)
