"""The section of the page of a user in which roles are assigned and removed."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin.user_actions import RoleGrantForm
from accounts.models import User
from foodfleet.core.admin import history, widgets
from foodfleet.core.admin.forms import error_message
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import client_of
from rbac.admin.scope_fields import ScopeField
from rbac.admin.scopes import ScopedAdmin
from rbac.models import Role, RoleAssignment
from rbac.services import assignments, decisions


class UserRolesAdmin(ScopedAdmin):
    """Mixin with the section of roles and two URLs below the page of a user."""

    @property
    def media(self) -> Media:
        """The scripts of the page, with those of the field for scopes."""
        found: Media = super().media + ScopeField().widget.media
        return found

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[str, Any]] = {
            "give_role": ("roles/", self._give_role),
            "end_role": ("roles/<int:assignment>/end/", self._end_role),
        }
        own = [
            path(f"<int:pk>/{end}", self.admin_site.admin_view(require_POST(view)), name=f"accounts_user_{name}")
            for name, (end, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    def roles_context(self, request: HttpRequest, user: Any) -> dict[str, Any]:
        """Return the context of the section of roles."""
        may_assign = self.may(request, assignments.PERMISSION, user)
        form = RoleGrantForm(auto_id="id_grant_%s", request=request) if may_assign else None
        if form is not None:
            widgets.style(form.fields.values())
        scopes = decisions.scopes_with(request.user, assignments.PERMISSION)  # None: everywhere
        roles = sorted(user.live_assignments, key=lambda one: (one.role.name, one.scope))
        for one in roles:
            one.can_be_ended = may_assign and (scopes is None or one.scope in scopes)
        role_admin = self.admin_site.get_model_admin(Role)
        return {
            "roles": roles,
            "may_assign": may_assign,
            "role_form": form,
            "links_to_roles": role_admin.has_view_permission(request),
            "may_explain": request.user.has_perm("access:check"),
        }

    def _give_role(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = self._user(request, pk)
        form = RoleGrantForm(request.POST, request=request)
        if form.is_valid():
            try:
                given = assignments.grant(actor=request.user, user=user, client=client_of(request), **form.cleaned_data)
                self._record(request, user, _("Role given"), given)
            except BaseAppException as error:
                self.message_user(request, error_message(error), messages.ERROR)
        else:
            problems = [str(one) for some in form.errors.values() for one in some]
            self.message_user(request, " ".join(problems), messages.ERROR)
        return redirect(f"{reverse('admin:accounts_user_change', args=[pk])}#roles")

    def _end_role(self, request: HttpRequest, pk: int, assignment: int) -> HttpResponse:
        user = self._user(request, pk)
        found = get_object_or_404(RoleAssignment.objects.of(user).unended().select_related("role"), pk=assignment)
        try:
            assignments.revoke(
                actor=request.user, user=user, role=found.role, scope=found.scope, client=client_of(request)
            )
            self._record(request, user, _("Role taken away"), found)
        except BaseAppException as error:
            self.message_user(request, error_message(error), messages.ERROR)
        return redirect(f"{reverse('admin:accounts_user_change', args=[pk])}#roles")

    def _user(self, request: HttpRequest, pk: int) -> User:
        user: User = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, user) or not self.may(request, assignments.PERMISSION, user):
            raise PermissionDenied
        return user

    def _record(self, request: HttpRequest, user: User, done: Any, assignment: RoleAssignment) -> None:
        scope = f" ({assignment.scope})" if assignment.scope else ""
        sentence = format_lazy("{}: {}{}", done, assignment.role.name, scope)
        history.record(request, [user], sentence)
        self.message_user(request, sentence, messages.SUCCESS)
