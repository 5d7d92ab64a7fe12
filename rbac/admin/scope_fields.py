"""Form fields for the scope of an assignment, with a search of scopes or a choice of the user's own."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.forms import Media
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rbac.models import Scope, ScopeMembership
from rbac.services import assignments, decisions

SCRIPT = "foodfleet/scope_search.js"


class ScopeSearch(AutocompleteSelect):
    """A search in the list of scopes. The script is for those that take typed scopes too."""

    @property
    def media(self) -> Media:
        """Django's scripts, with ours between Select2 and what makes the fields."""
        return super().media + Media(js=["admin/js/jquery.init.js", SCRIPT, "admin/js/autocomplete.js"])

    def __init__(self, **attrs: Any) -> None:
        super().__init__(ScopeMembership._meta.get_field("scope"), admin.site, attrs=attrs)


def scope_field() -> forms.ModelChoiceField:  # type: ignore[type-arg]
    """Return a field that searches existing scopes; its value is a Scope."""
    return forms.ModelChoiceField(
        queryset=Scope.objects.all(),
        to_field_name="identifier",
        required=False,
        label=_("Scope"),
        help_text=_("Empty: everywhere."),
        widget=ScopeSearch(),
    )


class ScopeField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A scope as text: an existing one, or one that is typed as `kind:key`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Scope.objects.all(),
            to_field_name="identifier",
            required=False,
            widget=ScopeSearch(**{"data-tags": "true", "data-not-listed": _("not in the list")}),
            help_text=_("Search for a scope, or type one such as fleet:12. Empty: everywhere."),
            **kwargs,
        )

    def to_python(self, value: Any) -> Any:
        """Return the text. Raises ValidationError if it cannot be a scope."""
        text = str(value or "").strip()
        if not assignments.is_scope(text):
            raise ValidationError(_("Give a kind and an id, such as fleet:12."), "invalid")
        return text


def assigned_scope(request: HttpRequest, **kwargs: Any) -> forms.Field:
    """Return the field for the scope of a new assignment: any scope, or those in which the user assigns roles."""
    scopes = decisions.scopes_with(request.user, assignments.PERMISSION)
    if scopes is not None:
        names = dict(Scope.objects.filter(identifier__in=scopes).values_list("identifier", "name"))
        choices = [(one, f"{names[one]} ({one})" if names.get(one) else one) for one in sorted(scopes)]
        return forms.ChoiceField(label=_("Scope"), choices=choices, **kwargs)
    field = ScopeField(label=_("Scope"), **kwargs)
    if not admin.site.get_model_admin(Scope).has_view_permission(request):
        field.widget = forms.TextInput()  # the search is only for users who may see scopes
    return field
