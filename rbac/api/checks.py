"""A system check that every view declares who may call it."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from foodfleet.core.http.access import declared_access
from rbac.api.guards import CODENAME, ActionPermission, codename_of
from rbac.services.declarations import declared

UNGUARDED = "rbac.E001"
UNDECLARED = "rbac.E002"
METHODS = ("get", "post", "put", "patch", "delete")


def check_views(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return errors for views that do not declare who may call them, and for permissions that no app declares."""
    return problems_of(get_resolver().url_patterns)


def problems_of(patterns: list[Any]) -> list[CheckMessage]:
    """Return the errors of the views of these URL patterns.

    A view must have `access` (foodfleet.core.http.access) or @require_permission; a view of the REST framework may set
    permission classes instead.
    """
    found: dict[str, CheckMessage] = {}
    for callback in _callbacks(patterns):
        for problem in _problems(callback):
            found.setdefault(str(problem), problem)
    return list(found.values())


def _callbacks(patterns: list[Any]) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.callback


def _problems(callback: Any) -> Iterator[CheckMessage]:
    view: Any = getattr(callback, "cls", None)
    if view is None or not issubclass(view, APIView):
        yield from _problems_of_plain(callback)
        return
    actions: dict[str, str] = getattr(callback, "actions", None) or {m: m for m in METHODS if hasattr(view, m)}
    name = f"{view.__module__}.{view.__qualname__}"
    own = {codename for action in actions.values() if (codename := getattr(getattr(view, action), CODENAME, None))}
    classes = _permission_classes(callback)
    guarded = classes or all(hasattr(getattr(view, action), CODENAME) for action in actions.values())
    if not guarded and declared_access(callback) is None:
        hint = "Give it `access`, permission_classes or @require_permission."
        yield Error(f"{name} does not declare who may call it.", hint=hint, id=UNGUARDED)
    elif ActionPermission in classes and not hasattr(view, "access_resource"):
        yield Error(f"{name} uses ActionPermission and has no access_resource.", id=UNDECLARED)
    else:
        own |= {codename for one in classes if (codename := getattr(one, CODENAME, None))}
        if ActionPermission in classes:
            own |= _codenames_by_action(callback, actions)
        yield from _undeclared(own, name)


def _problems_of_plain(callback: Any) -> Iterator[CheckMessage]:
    view = getattr(callback, "view_class", callback)
    name = f"{view.__module__}.{view.__qualname__}"
    codename: str | None = getattr(view, CODENAME, None)
    if codename is not None:
        yield from _undeclared({codename}, name)
    elif declared_access(callback) is None:
        hint = "Give it `access`, @endpoint or @require_permission."
        yield Error(f"{name} does not declare who may call it.", hint=hint, id=UNGUARDED)


def _permission_classes(callback: Any) -> list[Any]:
    """Return the permission classes that the view or its action sets; the framework's default does not count."""
    if "permission_classes" in callback.initkwargs:
        return list(callback.initkwargs["permission_classes"])
    default = APIView.permission_classes
    chosen = (vars(kind).get("permission_classes", default) for kind in callback.cls.__mro__ if kind is not APIView)
    return list(next((classes for classes in chosen if classes is not default), ()))


def _codenames_by_action(callback: Any, actions: dict[str, str]) -> set[str]:
    found = set()
    for method, action in actions.items():
        view = callback.cls(**callback.initkwargs)
        if hasattr(callback, "actions"):
            view.action, view.action_map = action, actions
        if codename := codename_of(view, method.upper()):
            found.add(codename)
    return found


def _undeclared(codenames: set[str], name: str) -> Iterator[CheckMessage]:
    for codename in sorted(codenames - declared().codenames.keys()):
        yield Error(f"{name} requires {codename}, which no app declares.", id=UNDECLARED)
