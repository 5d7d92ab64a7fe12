"""Roles and permissions in the admin, by the same services as in the API."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin, ServiceForm
from foodfleet.core.admin.lists import ReadOnlyMixin, RestrictedFiltersAdmin
from foodfleet.core.admin.widgets import CheckboxTable
from foodfleet.core.database.search import matching
from foodfleet.core.http.clients import client_of
from rbac.admin.role_pages import RolePagesAdmin
from rbac.admin.role_preview import RolePreviewAdmin
from rbac.models import Role, RoleRevision, resource_permissions
from rbac.services import custom_permissions, graph, roles

admin.site.unregister(Group)  # because every role is a group


class PermissionChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """A choice of permissions, labelled with codename and description."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.codename} - {obj.name}"


class RoleForm(ServiceForm):
    """A role with its permissions and included roles."""

    codenames = PermissionChoices(
        queryset=Permission.objects.none(),
        required=False,
        label=_("Permissions"),
        widget=CheckboxTable,
    )
    includes = forms.ModelMultipleChoiceField(
        queryset=Role.objects.none(),
        required=False,
        label=_("Included roles"),
        widget=CheckboxTable,
    )

    class Meta:
        model = Role
        fields = ("name", "description", "requires_2fa", "forbids_sms_code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codenames: Any = self.fields["codenames"]
        includes: Any = self.fields["includes"]
        codenames.queryset = resource_permissions().order_by("codename")
        includes.queryset = Role.objects.live().exclude(pk=self.instance.pk).order_by("name")
        if self.instance.pk:
            # A list, because the service changes the permissions.
            codenames.initial = list(self.instance.permissions.all())
            includes.initial = [inclusion.included_id for inclusion in self.instance.inclusions.all()]
            inherited = graph.latest().inherited(self.instance.pk)
            codenames.widget.notes = {one: _from(names) for one, names in inherited.items()}

    def difference(self) -> list[dict[str, Any]]:
        """Return the added and removed permissions and included roles, in the format of the admin's log."""
        entries: list[dict[str, Any]] = []
        for field, kind, name in (("codenames", "permission", "codename"), ("includes", "role", "name")):
            chosen = {one.pk: str(getattr(one, name)) for one in self.cleaned_data[field]}
            before = {getattr(one, "pk", one) for one in self.fields[field].initial or ()}
            removed = self.fields[field].queryset.filter(pk__in=before - chosen.keys())  # type: ignore[attr-defined]
            added = [chosen[pk] for pk in chosen.keys() - before]
            entries += [{"added": {"name": kind, "object": text}} for text in sorted(added)]
            entries += [{"deleted": {"name": kind, "object": str(getattr(one, name))}} for one in removed]
        return entries

    def changes_access(self) -> bool:
        """Return whether the change affects permissions, included roles or requirements."""
        before = {
            name: {getattr(one, "pk", one) for one in self.fields[name].initial or ()}
            for name in ("codenames", "includes")
        }
        chosen = {name: {one.pk for one in self.cleaned_data[name]} for name in before}
        return chosen != before or bool({"requires_2fa", "forbids_sms_code"} & set(self.changed_data))

    def edit(self) -> roles.RoleEdit:
        """Return the new values of the role."""
        data = self.cleaned_data
        return roles.RoleEdit(
            name=data["name"],
            description=data["description"],
            requires_2fa=data["requires_2fa"],
            forbids_sms_code=data["forbids_sms_code"],
            permissions=[permission.codename for permission in data["codenames"]],
            includes=[role.pk for role in data["includes"]],
        )


def _from(names: Iterable[str]) -> str:
    return str(_("from %(roles)s")) % {"roles": ", ".join(names)}


@admin.register(Role)
class RoleAdmin(RolePagesAdmin, RolePreviewAdmin, RestrictedFiltersAdmin):
    """Roles."""

    subject, icon = Subject.ACCESS, "badge"
    comes_first = True
    searched_everywhere = True
    form = RoleForm
    error_fields = {"permissions": "codenames", "missing": "codenames", "": "name"}
    fields = ("name", "description", "requires_2fa", "forbids_sms_code", "codenames", "includes")
    list_display = ("name", "description", "requires_2fa", "is_system", "users_count")
    list_filter = ("requires_2fa", "forbids_sms_code", "is_system")
    search_fields = ("name", "description")
    ordering = ("name",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Role], search_term: str
    ) -> tuple[QuerySet[Role], bool]:
        return queryset.matching(search_term), False  # type: ignore[attr-defined]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        found: QuerySet[Role] = Role.objects.live().with_users_count(timezone.now())
        return found

    @admin.display(description=_("users"))
    def users_count(self, role: Any) -> int:
        """Return how many users hold the role now."""
        return int(role.users_count)

    def has_delete_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not (obj is not None and obj.is_system)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Return Django's message with the names of fields, and the added and removed permissions and roles."""
        return [*super().construct_change_message(request, form, formsets, add), *([] if add else form.difference())]

    def get_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fields
        return (*self.fields[:-2], "permission_table", "included_names")

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        return ("permission_table", "included_names") if obj is not None else ()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # The service only marks the role as deleted, so related rows do not prevent it.
        return [str(role) for role in objs], {}, set(), []

    def delete_model(self, request: HttpRequest, obj: Role) -> None:
        roles.delete(actor=request.user, role=obj, client=client_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Role]) -> None:
        with transaction.atomic():
            for role in queryset:
                self.delete_model(request, role)


class PermissionForm(ServiceForm):
    """A new permission."""

    resource = forms.CharField(max_length=50, label=_("resource"))
    action = forms.CharField(max_length=50, label=_("action"))
    description = forms.CharField(max_length=255, required=False, label=_("description"))

    class Meta:
        model = Permission
        fields: tuple[str, ...] = ()


@admin.register(Permission)
class PermissionAdmin(ServiceAdmin, RestrictedFiltersAdmin):
    """Permissions, both declared in code and added by staff."""

    subject, icon = Subject.ACCESS, "rule"
    form = PermissionForm
    error_fields = {"": "action"}
    fields = ("resource", "action", "description")
    list_display = ("codename", "name")
    search_fields = ("codename", "name")
    ordering = ("codename",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Permission], search_term: str
    ) -> tuple[QuerySet[Permission], bool]:
        return matching(queryset, search_term, *self.search_fields), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Permission]:
        return resource_permissions()

    def has_change_permission(self, request: HttpRequest, obj: Permission | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Permission | None = None) -> Any:
        return ("codename", "name") if obj is not None else self.fields

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        made = custom_permissions.create(actor=request.user, client=client_of(request), **form.cleaned_data)
        form.instance.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Permission) -> None:
        custom_permissions.delete(actor=request.user, permission=obj, client=client_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Permission]) -> None:
        with transaction.atomic():
            for permission in queryset:
                self.delete_model(request, permission)


@admin.register(RoleRevision)
class RoleRevisionAdmin(ReadOnlyMixin, RestrictedFiltersAdmin):
    """The history of roles."""

    subject, icon = Subject.EVENTS, "manage_history"
    list_display = ("name", "created_at", "created_by", "requires_2fa", "forbids_sms_code", "is_deleted")
    list_select_related = ("created_by",)
    search_fields = ("name",)
    ordering = ("-created_at",)
