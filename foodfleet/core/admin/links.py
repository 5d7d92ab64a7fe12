"""Links of the admin to pages of other things: only for those who may open them."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest


class LinksAsAllowed(admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin where a foreign key that is only shown is a link for who may view its target, and words for others."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = super().get_readonly_fields(request, obj)
        return [self._as_allowed(request, name) for name in names] if obj else names

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = super().get_fields(request, obj)
        if obj is None:
            return names
        typed = self.has_change_permission(request, obj)
        shown = super().get_readonly_fields(request, obj) if typed else names
        return [self._as_allowed(request, name) if name in shown else name for name in names]

    def _as_allowed(self, request: HttpRequest, name: Any) -> Any:
        field = next((field for field in self.opts.fields if field.name == name), None)
        target = field.related_model if field is not None else None
        if not isinstance(target, type) or not self.admin_site.is_registered(target):
            return name
        may_view = self.admin_site.get_model_admin(target).has_view_permission(request)
        return name if may_view else _as_words(field)


@cache
def _as_words(field: "models.Field[Any, Any]") -> Callable[[Any], str]:
    """A column of the admin's that says what a foreign key points to; the same one each time, for it is compared."""

    @admin.display(description=field.verbose_name, empty_value="-")
    def words(row: Any) -> Any:
        return getattr(row, field.name)

    return words
