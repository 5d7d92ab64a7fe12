"""The custom attributes of a user in the admin: fields for those that staff may change, text for the others."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services.account import attribute_schema, attributes
from accounts.services.account.attributes import PREFIX
from accounts.states import Audience
from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.http.bodies import json_fields


class AttributesAdmin(BaseAdmin):
    """Mixin that adds a section with the custom attributes to the page of a user."""

    @admin.display(description=_("set by imports"))
    def fixed_attributes(self, user: User) -> str:
        """Return the attributes that staff see but cannot change."""
        return _lines(attributes.titled(user.attributes, Audience.STAFF, read_only=True))

    @admin.display(description=_("attributes"))
    def all_attributes(self, user: User) -> str:
        """Return the attributes that staff see, for users who may not change the account."""
        return _lines(attributes.titled(user.attributes, Audience.STAFF))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "fixed_attributes", "all_attributes")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None or not attribute_schema.current().visible_to(Audience.STAFF):
            return found
        fields: list[str] = ["all_attributes"]
        if self.has_change_permission(request, obj):
            fields = [f"{PREFIX}{one.name}" for one in attribute_schema.current().editable_by(Audience.STAFF)]
            fields.append("fixed_attributes")
        return (*found[:-1], (_("Attributes"), {"fields": fields}), found[-1])

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        own = _fields(obj) if obj is not None and self.has_change_permission(request, obj) else {}
        if own and "fields" in kwargs:
            kwargs["fields"] = [name for name in kwargs["fields"] if name not in own]
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.base_fields |= own
        return form

    def changed_attributes(self, form: Any) -> dict[str, Any]:
        """Return the attributes that were changed in the form; None for one that was cleared."""
        known = attribute_schema.current().attributes
        names = [name.removeprefix(PREFIX) for name in form.changed_data if name.startswith(PREFIX)]
        return {name: known[name].from_form(form.cleaned_data[f"{PREFIX}{name}"]) for name in names}


def _fields(user: User) -> dict[str, forms.Field]:
    fields = {}
    for one in attribute_schema.current().editable_by(Audience.STAFF):
        field = json_fields.field_for(one.kind, one.title, one.choices)
        field.initial = json_fields.initial_for(user.attributes.get(one.name))
        fields[f"{PREFIX}{one.name}"] = field
    return fields


def _lines(titled: list[tuple[str, Any]]) -> str:
    return format_html_join(mark_safe("<br>"), "{}: {}", titled)
