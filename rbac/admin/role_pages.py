"""Pages about roles: comparison of two roles, history, who has a permission, and why."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin import widgets
from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.admin.lists import CappedPaginator
from rbac.admin.scope_fields import ScopeField
from rbac.models import CODENAME_SEPARATOR, Role, RoleAssignment, RoleRevision, Scope, resource_permissions
from rbac.services import explanations, graph, previews, roles

PERMISSION = "access:check"
PAGE_SIZE = 50
MAX_SUGGESTED_SCOPES = 500  # others can be typed
FIELDS = {
    "name": _("Name"),
    "requires_2fa": _("requires two-factor authentication"),
    "forbids_sms_code": _("forbids codes by text message"),
    "is_deleted": _("deleted"),
}


class PermissionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A permission, chosen by its codename."""

    def __init__(self) -> None:
        found = resource_permissions().order_by("codename")
        super().__init__(queryset=found, to_field_name="codename", label=_("Permission"))

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.codename} - {obj.name}"


class WhoForm(forms.Form):
    """The permission whose holders are listed."""

    permission = PermissionField()


class WhyForm(forms.Form):
    """The user, permission, scope and time to explain."""

    user: Any = forms.ModelChoiceField(queryset=None, label=_("Person"))
    permission = PermissionField()
    scope = ScopeField(label=_("Scope"))
    at = forms.DateTimeField(
        label=_("At (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("Empty: now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user: Any = self.fields["user"]
        user.queryset = get_user_model()._default_manager.all()
        user.widget = AutocompleteSelect(RoleAssignment._meta.get_field("user"), admin.site)
        user.widget.choices = user.choices
        scope = self.fields["scope"]
        scope.widget = widgets.SuggestedInput()  # an empty search of Select2 has no name for screen readers
        scope.help_text = _("Such as fleet:12. Empty: everywhere.")

    def clean_at(self) -> Any:
        """Return the time. Raises ValidationError for one in the future."""
        at = self.cleaned_data["at"]
        if at is not None and at > timezone.now():
            raise forms.ValidationError(_("Give a time in the past."))
        return at


class CompareForm(forms.Form):
    """The two roles to compare."""

    left = forms.ModelChoiceField(queryset=Role.objects.none(), label=_("Role"))
    right = forms.ModelChoiceField(queryset=Role.objects.none(), label=_("Compared with"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.queryset = Role.objects.live().order_by("name")  # type: ignore[attr-defined]


class RolePagesAdmin(BaseAdmin):
    """Mixin that adds the pages to the admin of roles."""

    @admin.display(description=_("Permissions"))
    def permission_table(self, role: Role) -> str:
        """Return the role's permissions, for users who may not change it; inherited ones with their roles."""
        known = graph.latest()
        resources = by_resource(known.roles[role.pk].codenames, known.inherited(role.pk))
        return render_to_string("admin/rbac/permissions.html", {"resources": resources})

    @admin.display(description=_("Included roles"))
    def included_names(self, role: Role) -> str:
        """Return the names of the roles that it includes directly."""
        return ", ".join(sorted(str(one.included.name) for one in role.inclusions.select_related("included")))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**self._links(request), **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return super().render_change_form(request, {**context, **self._links(request)}, *args, **kwargs)

    def _links(self, request: HttpRequest) -> dict[str, Any]:
        return {"may_explain": request.user.has_perm(PERMISSION)}

    def get_urls(self) -> list[URLPattern]:
        pages: tuple[tuple[str, str, Callable[..., HttpResponse]], ...] = (
            ("compare/", "compare", self.compare_page),
            ("who/", "who", self.who_page),
            ("why/", "why", self.why_page),
            ("<int:pk>/changes/", "changes", self.changes_page),
        )
        own = [
            path(address, self.admin_site.admin_view(view), name=f"rbac_role_{name}") for address, name, view in pages
        ]
        return [*own, *super().get_urls()]

    def compare_page(self, request: HttpRequest) -> HttpResponse:
        """Show the permissions that two roles have in common, and those that only one of them has."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = _requested(CompareForm, request, "left", "right")
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            left, right = form.cleaned_data["left"], form.cleaned_data["right"]
            found = previews.compare(left.pk, right.pk)
            known = graph.latest()
            context["columns"] = [
                (_("Both"), by_resource(found.both, {})),
                (left.name, by_resource(found.left, known.inherited(left.pk))),
                (right.name, by_resource(found.right, known.inherited(right.pk))),
            ]
        return self._page(request, "compare", _("Compare roles"), context)

    def changes_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show each revision of a role with its changes."""
        role = get_object_or_404(Role, pk=pk)
        if not self.has_view_permission(request, role):
            raise PermissionDenied
        revisions = roles.revisions_of(pk).select_related("created_by").order_by("-created_at", "-id")
        page = Paginator(revisions, PAGE_SIZE).get_page(request.GET.get("page"))
        older = revisions[page.end_index() : page.end_index() + 1]  # for the comparison with the last one of the page
        changed = previews.changes([*page.object_list, *older])[: len(page.object_list)]
        rows = [(one, [(FIELDS[name], *values) for name, *values in one.fields]) for one in changed]
        context = {"role": role, "page": page, "rows": rows}
        return self._page(request, "changes", _("Changes of %(role)s") % {"role": role.name}, context)

    def who_page(self, request: HttpRequest) -> HttpResponse:
        """List the users who have a permission, with the roles that give it. Needs permission to see roles too."""
        self._ensure_may_explain(request)
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = _requested(WhoForm, request, "permission")
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            permission = form.cleaned_data["permission"].codename
            known = graph.latest()
            giving = RoleAssignment.objects.of_roles(known.holding(permission)).live(timezone.now())
            giving = giving.select_related("user", "role").order_by("user", "pk")
            page = CappedPaginator(giving, PAGE_SIZE).get_page(request.GET.get("page"))
            rows = [(one, _names(explanations.path_to(one.role_id, permission, known), known)) for one in page]
            superusers = get_user_model()._default_manager.filter(is_superuser=True, is_active=True).count()
            context |= {"permission": permission, "page": page, "rows": rows, "superusers": superusers}
        return self._page(request, "who", _("Who may do this, and why?"), context)

    def why_page(self, request: HttpRequest) -> HttpResponse:
        """Explain whether a person has a permission, now or at a past time."""
        self._ensure_may_explain(request)
        form = _requested(WhyForm, request, "user", "permission")
        if self.admin_site.get_model_admin(Scope).has_view_permission(request):
            known = Scope.objects.order_by("identifier").values_list("identifier", "name")
            form.fields["scope"].widget.suggestions = known[:MAX_SUGGESTED_SCOPES]
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            data = form.cleaned_data
            found = explanations.explain(
                user=data["user"], permission=data["permission"].codename, scope=data["scope"], at=data["at"]
            )
            first = RoleRevision.objects.order_by("created_at").values_list("created_at", flat=True).first()
            context |= {
                "person": data["user"],  # `user` is the signed-in user
                "permission": data["permission"],
                "scope": data["scope"],
                "at": data["at"],
                "found": found,
                "is_before_history": bool(data["at"] and first and data["at"] < first),
                "history_begins": first,
            }
        return self._page(request, "why", _("What may a person do, and why?"), context)

    def _ensure_may_explain(self, request: HttpRequest) -> None:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, title: Any, context: dict[str, Any]) -> HttpResponse:
        site = self.admin_site
        links = {
            "may_open_roles": self.has_view_permission(request),
            "may_open_assignments": site.get_model_admin(RoleAssignment).has_view_permission(request),
            "may_open_users": site.get_model_admin(get_user_model()).has_view_permission(request),
            **self._links(request),
        }
        full = {**site.each_context(request), "title": title, "opts": self.opts, **links, **context}
        return TemplateResponse(request, f"admin/rbac/{name}.html", full)


def by_resource(codenames: Iterable[str], sources: Any) -> list[tuple[str, list[tuple[str, str, tuple[str, ...]]]]]:
    """Group permissions by resource. Each action has its name, description, and the included roles it comes from."""
    ordered = sorted(codenames)
    descriptions = dict(Permission.objects.filter(codename__in=ordered).values_list("codename", "name"))
    grouped = groupby(ordered, key=lambda codename: codename.rpartition(CODENAME_SEPARATOR)[0])
    return [
        (
            resource,
            [(one.rpartition(CODENAME_SEPARATOR)[2], descriptions.get(one, ""), sources.get(one, ())) for one in some],
        )
        for resource, some in grouped
    ]


def _requested(form_class: type[forms.Form], request: HttpRequest, *required: str) -> forms.Form:
    """Return the form with the values of the query; it is bound only if the query has all of `required`."""
    is_complete = set(required) <= request.GET.keys()
    form = form_class(request.GET) if is_complete else form_class(initial=request.GET.dict())
    widgets.style(form.fields.values())
    return form


def _names(role_ids: Iterable[int], known: graph.Graph) -> list[str]:
    return [known.roles[role_id].name for role_id in role_ids]
