"""The preview of a change of a role: which users gain and lose which permissions."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.confirm import CONFIRMED
from foodfleet.core.admin.forms import ServiceAdmin
from foodfleet.core.http.clients import client_of
from rbac.models import Role, RoleAssignment
from rbac.services import previews, roles

MAX_NAMES = 5  # of users, for each permission


class RolePreviewAdmin(ServiceAdmin):
    """Shows the effects of a change of permissions, included roles or requirements, and saves it once confirmed.

    For the preview the service is called and rolled back, so that its errors are shown at their fields.
    """

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        actor, client, role = request.user, client_of(request), form.instance
        if not change:
            role.__dict__.update(roles.create(actor=actor, edit=form.edit(), client=client).__dict__)
            return
        form.is_previewed = CONFIRMED not in request.POST and form.changes_access()
        roles.update(actor=actor, role=role, edit=form.edit(), client=client)
        if form.is_previewed:
            transaction.set_rollback(True)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store on the object whether the change was saved or only previewed."""
        obj.previewed = form if change and form.is_previewed else None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Record the change in the admin's log, unless it was only previewed."""
        return None if obj.previewed else super().log_change(request, obj, message)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Show the preview, or Django's response to a saved change."""
        return self._preview(request, obj) if obj.previewed else super().response_change(request, obj)

    def _preview(self, request: HttpRequest, role: Any) -> HttpResponse:
        edit = role.previewed.edit()
        found = previews.preview(role=role, permissions=edit.permissions, includes=edit.includes)
        names = {effect.permission for effect in (*found.gained, *found.lost)}
        descriptions = dict(Permission.objects.filter(codename__in=names).values_list("codename", "name"))
        requires = "requires_2fa" in role.previewed.changed_data and edit.requires_2fa
        context = {
            **self.admin_site.each_context(request),
            "title": _("Save the role %(role)s?") % {"role": edit.name},
            "opts": self.opts,
            "role": role,
            "effects": [
                (_("People gain"), _rows(found.gained, descriptions)),
                (_("People lose"), _rows(found.lost, descriptions)),
            ],
            "weaker": any(
                name in role.previewed.changed_data and not getattr(edit, name) for name in roles.REQUIREMENTS
            ),
            "holders": _holders(role) if requires else None,
            "fields": [
                (name, value)
                for name, values in request.POST.lists()
                for value in values
                if name != "csrfmiddlewaretoken"
            ],
        }
        return TemplateResponse(request, "admin/rbac/preview.html", context)


def _rows(effects: Iterable[previews.Effect], descriptions: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "permission": effect.permission,
            "meaning": descriptions.get(effect.permission, ""),
            "count": effect.users,
            "names": [str(user) for user in effect.examples[:MAX_NAMES]],
            "more": effect.users - len(effect.examples[:MAX_NAMES]),
        }
        for effect in effects
    ]


def _holders(role: Role) -> int:
    """Return how many active people hold the role."""
    return RoleAssignment.objects.of_roles([role.pk]).live(timezone.now()).people().count()
