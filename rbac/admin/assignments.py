"""Role assignments in the admin, by the same services as in the API."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from foodfleet.core.admin import confirm, history
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin, ServiceForm
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import RestrictedFiltersAdmin, UnchangeableMixin
from foodfleet.core.http.clients import client_of
from foodfleet.core.typed_text import searched_parts
from rbac.admin.scope_fields import assigned_scope, scope_field
from rbac.admin.scopes import IN_A_SCOPE
from rbac.models import Role, RoleAssignment
from rbac.services import assignments, decisions


class AssignmentForm(ServiceForm):
    """A role for a user, optionally in an existing scope."""

    scope = scope_field()

    def clean_scope(self) -> str:
        """Return the identifier of the scope, which assignments store, or ''."""
        scope = self.cleaned_data["scope"]
        return str(getattr(scope, "identifier", scope or ""))


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(UnchangeableMixin, ServiceAdmin, PermittedLinksAdmin, RestrictedFiltersAdmin):
    """Assignments of roles to users. They can be ended but not deleted."""

    subject, icon = Subject.ACCESS, "assignment_ind"
    anchors = {"user": "roles"}
    form = AssignmentForm
    fields = ("user", "role", "scope", "expires_at")
    error_fields = {"missing": "role", "user_not_found": "user", "": "role"}
    list_display = ("user", "role", "scope", "granted_at", "granted_by", "expires_at", "ended_at")
    list_filter = ("role",)
    extra_lookups = (IN_A_SCOPE,)
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ("user", "role", "granted_by")
    search_fields = ("user__search_text", "role__name")
    raw_id_fields = ("user",)
    ordering = ("-granted_at",)
    actions = ("end",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RoleAssignment], search_term: str
    ) -> tuple[QuerySet[RoleAssignment], bool]:
        for part in searched_parts(search_term):
            of_role = Q(role__in=Role.objects.matching(part).values("pk"))
            queryset = queryset.filter(Q(user__search_text__contains=part) | of_role)
        return queryset, False

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        assignment = form.instance
        made = assignments.grant(
            actor=request.user,
            user=assignment.user,
            role=assignment.role,
            scope=assignment.scope,
            expires_at=assignment.expires_at,
            client=client_of(request),
        )
        assignment.__dict__.update(made.__dict__)
        history.record(request, [made.user], format_lazy("{}: {}", _("Role given"), _described(made)))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may assign roles, in some scope at least; the service checks each assignment."""
        return decisions.scopes_with(request.user, assignments.PERMISSION) != frozenset()

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may end any assignment."""
        return self.has_add_permission(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        if obj is None and decisions.scopes_with(request.user, assignments.PERMISSION) is not None:
            form.base_fields["scope"] = assigned_scope(request)
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role":
            kwargs["queryset"] = Role.objects.filter(pk__in=assignments.assignable_roles(request.user)).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def found_as(self, row: RoleAssignment) -> str:
        return f"{row.user} · {_described(row)}"

    @admin.action(description=_("End"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[RoleAssignment]) -> HttpResponse | None:
        """End these assignments, all or none."""
        unended = queryset.filter(ended_at__isnull=True).select_related("user", "role")
        sentence = ngettext(
            "%(count)s person loses a role with the next request. The assignment stays in the history.",
            "%(count)s assignments end: these people lose a role with the next request. The history keeps them.",
            unended.count(),
        )
        if (page := confirm.ask(self, request, unended, sentence)) is not None:
            return page
        with transaction.atomic():
            for assignment in unended.order_by("user", "pk"):  # `revoke` locks users: in one order, without deadlocks
                self._end(request, assignment)
        return None

    @staticmethod
    def _end(request: HttpRequest, assignment: RoleAssignment) -> None:
        assignments.revoke(
            actor=request.user,
            user=assignment.user,
            role=assignment.role,
            scope=assignment.scope,
            client=client_of(request),
        )
        history.record(request, [assignment.user], format_lazy("{}: {}", _("Role taken away"), _described(assignment)))


def _described(assignment: RoleAssignment) -> str:
    name = str(assignment.role.name)
    return f"{name} ({assignment.scope})" if assignment.scope else name
