"""The top of the page of a service account: whether its keys are accepted, and its keys, roles and events."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin import user_overview
from accounts.admin.shared import OF_A_USER
from accounts.admin.user_overview import State
from accounts.models import ApiKey, ServiceAccount, User
from accounts.services.programs import api_keys
from foodfleet.core.admin.sections import MAX_ROWS, Section


def context(request: HttpRequest, account: Any) -> dict[str, Any]:
    """Return the context of the page. account: as the admin reads it, with its roles and last use."""
    keys = list(ApiKey.objects.filter(user=account.pk).order_by("-created_at", "-pk")[:MAX_ROWS])
    reader: Any = request.user
    user_admin = admin.site.get_model_admin(User)
    may_open_user = user_admin.has_view_permission(request, account.user)
    sections = [_keys(account, keys), _roles(account, may_open_user=may_open_user)]
    if reader.has_perm("events:read"):
        sections.append(user_overview.events(request, account.user))
    new_key = reverse("admin:accounts_apikey_add", query={"account": account.pk})
    return {
        "state": state_of(account, keys),
        "new_key": new_key if reader.has_perm(api_keys.PERMISSION) else "",
        "roles_page": _roles_page(account) if may_open_user else "",
        "sections": sections,
    }


def state_of(account: Any, keys: list[ApiKey]) -> State:
    """Return a sentence on whether the keys of a service account are accepted, and why not."""
    if not account.is_active:
        return State(str(_("Not active: its API keys are refused.")), "bad")
    if not any(key.is_live for key in keys):
        return State(str(_("It has no usable API key.")), "warn")
    if account.last_used_at is None:
        return State(str(_("Active, and never used yet.")), "good")
    return State(user_overview.with_time(_("Active. Last used: %(time)s"), account.last_used_at), "good")


def state_of_key(key: ApiKey) -> str:
    """Return whether a key is usable, expired or revoked."""
    if key.revoked_at is not None:
        return str(_("Revoked"))
    return str(_("Usable") if key.is_live else _("Expired"))


def _keys(account: ServiceAccount, keys: list[ApiKey]) -> Section:
    rows = []
    for key in keys:
        page = reverse("admin:accounts_apikey_change", args=[key.pk])
        rows.append(
            [format_html('<a href="{}">{}</a>', page, key.name), key.prefix, state_of_key(key), key.last_used_at]
        )
    link = reverse("admin:accounts_apikey_changelist", query={OF_A_USER[0]: account.pk})
    return Section("keys", _("API keys"), [_("Name"), _("Begins with"), _("State"), _("Last used")], rows, link)


def _roles(account: Any, *, may_open_user: bool) -> Section:
    held = sorted(account.user.live_assignments, key=lambda one: (one.role.name, one.scope))
    rows = [[one.role.name, one.scope or _("Everywhere")] for one in held]
    return Section("roles", _("Roles"), [_("Role"), _("Scope")], rows, _roles_page(account) if may_open_user else "")


def _roles_page(account: ServiceAccount) -> str:
    return f"{reverse('admin:accounts_user_change', args=[account.pk])}#roles"
