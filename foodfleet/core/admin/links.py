"""Links between admin pages, only for users who may open them."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from foodfleet.core.admin.base import BaseAdmin


class PermittedLinksAdmin(BaseAdmin):
    """An admin whose read-only foreign keys are links for users who may view the target, and text for others.

    anchors: the section of the target's page, for each foreign key that is about one.
    """

    anchors: ClassVar[Mapping[str, str]] = {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = super().get_readonly_fields(request, obj)
        return [self.permitted(request, name) for name in names] if obj else names

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = super().get_fields(request, obj)
        if obj is None:
            return names
        may_edit = self.has_change_permission(request, obj)
        read_only = super().get_readonly_fields(request, obj) if may_edit else names
        return [self.permitted(request, name) if name in read_only else name for name in names]

    def permitted(self, request: HttpRequest, name: Any) -> Any:
        """Return the field, as text where it would be a link that the user may not open."""
        field = next((field for field in self.opts.fields if field.name == name), None)
        target = field.related_model if field is not None else None
        if not isinstance(target, type) or not self.admin_site.is_registered(target):
            return name
        may_view = self.admin_site.get_model_admin(target).has_view_permission(request)
        if not may_view:
            return _as_text(field)
        return _to_section(field, self.anchors[name]) if name in self.anchors else name


def link_to(site: admin.AdminSite, request: HttpRequest, row: models.Model) -> SafeString | str:
    """Return the name of a row, as a link to its page for users who may open it."""
    if not site.get_model_admin(type(row)).has_view_permission(request):
        return str(row)
    page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', page, row)


@cache
def _as_text(field: "models.Field[Any, Any]") -> Callable[[Any], str]:
    """Return an admin column with a foreign key's target as text; cached, because Django compares columns."""

    @admin.display(description=field.verbose_name, empty_value="-")
    def text(row: Any) -> Any:
        return getattr(row, field.name)

    return text


@cache
def _to_section(field: "models.Field[Any, Any]", anchor: str) -> Callable[[Any], Any]:
    """Return an admin column that links to one section of the page of a foreign key's target."""

    @admin.display(description=field.verbose_name, empty_value="-")
    def link(row: Any) -> Any:
        target = getattr(row, field.name)
        if target is None:
            return None
        page = reverse(f"admin:{target._meta.app_label}_{target._meta.model_name}_change", args=[target.pk])
        return format_html('<a href="{}#{}">{}</a>', page, anchor, target)

    return link
