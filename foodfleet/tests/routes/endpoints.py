"""Every endpoint of FoodFleet, read from the URLconf, with what its view declares; test_endpoints.py sends to each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver

from foodfleet.core.http.access import SIGNED_IN, Access, Caller, Reauthentication, RequiredAction, declared_access
from foodfleet.modules import registry
from rbac.api.guards import permission_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
URLCONF = "foodfleet.tests.development_urls"  # with the mailbox


@dataclass(frozen=True)
class Endpoint:
    """One method of one address; `method` is `any` where the view answers all methods alike."""

    method: str
    address: str
    access: Access

    @property
    def is_api(self) -> bool:
        """Whether it answers programs."""
        return self.address.startswith("api/")

    @property
    def is_public(self) -> bool:
        """Whether anyone may call it."""
        return self.access.caller is Caller.ANYONE

    @property
    def reauthentication(self) -> Reauthentication | None:
        """When it needs re-authentication."""
        return self.access.reauthentication.get(self.method)

    def is_open_during(self, action: RequiredAction) -> bool:
        """Whether it may be called while `action` is pending."""
        return action in self.access.while_pending

    def __str__(self) -> str:
        return f"{self.method} {self.address}"


def views(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each address, as `plain` writes it, with its view."""
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, address)
        else:
            yield plain(address), pattern.callback


def plain(route: str) -> str:
    """A route of Django with `<id>` for `<int:id>` and for `(?P<id>...)`, without anchors."""
    named = re.sub(r"\(\?P(<\w+>)(?:\[[^\]]*\]|[^()\[])*\)", r"\1", route)
    return re.sub(r"<\w+:", "<", named).replace("^", "").replace("$", "")


def methods_of(callback: Any) -> list[str]:
    """The methods that a view answers."""
    view: Any = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    names = getattr(view or callback, "http_method_names", None)
    if names is None:
        return ["any"]
    handled = getattr(callback, "actions", None) or [name for name in names if view is None or hasattr(view, name)]
    return [method for method in METHODS if method.lower() in handled and method.lower() in names]


def access_to(callback: Any, method: str) -> Access:
    """What a view declares, with the permission of this method where it is one of the REST framework."""
    permission = _permission(callback, method) if hasattr(callback, "cls") else ""
    return Access(Caller.PERMITTED, permission) if permission else declared_access(callback) or SIGNED_IN


def _permission(callback: Any, method: str) -> str:
    view = callback.cls(**callback.initkwargs)
    if actions := getattr(callback, "actions", None):
        view.action, view.action_map = actions[method.lower()], actions
    return permission_of(view, method)


ENDPOINTS = tuple(
    Endpoint(method, address, access_to(callback, method))
    for address, callback in sorted(dict(views(get_resolver(URLCONF).url_patterns)).items())
    for method in methods_of(callback)
)
_MODULES = [(module, (f"api/v1/{module.url}/", f"{module.url}/")) for module in registry.installed()]
OF_MODULES = tuple(one for one in ENDPOINTS if any(one.address.startswith(prefixes) for _, prefixes in _MODULES))
PUBLIC_OF_MODULES = {address for module, _ in _MODULES for address in module.public}
