"""A system check: every view of the API says who may call it."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from rbac.api.permissions import LABEL, ActionPermission, label_of
from rbac.services.declarations import declared

UNGUARDED = "rbac.E001"
UNDECLARED = "rbac.E002"
METHODS = ("get", "post", "put", "patch", "delete")
API = "api/"


def check_views(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors for views of the API that nobody guarded, and for labels that no app declares."""
    return problems_of(get_resolver().url_patterns)


def problems_of(patterns: list[Any]) -> list[CheckMessage]:
    """What is wrong with the views behind these patterns.

    A view of the REST framework, wherever, names its permission classes or carries @require_permission; a plain view of
    Django below /api/ carries it too, or Django's own @login_not_required.
    """
    found: dict[str, CheckMessage] = {}
    for address, callback in _callbacks(patterns):
        for problem in _problems(address, callback):
            found.setdefault(str(problem), problem)
    return list(found.values())


def _callbacks(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern):
            yield address, pattern.callback


def _problems(address: str, callback: Any) -> Iterator[CheckMessage]:
    view: Any = getattr(callback, "cls", None)
    if view is None or not issubclass(view, APIView):
        yield from _problems_of_plain(address, callback)
        return
    actions: dict[str, str] = getattr(callback, "actions", None) or {m: m for m in METHODS if hasattr(view, m)}
    name = f"{view.__module__}.{view.__qualname__}"
    own = {label for action in actions.values() if (label := getattr(getattr(view, action), LABEL, None))}
    classes = _permission_classes(callback)
    if not classes and not all(hasattr(getattr(view, action), LABEL) for action in actions.values()):
        hint = "Give it permission_classes (ActionPermission, IsAuthenticated, AllowAny) or @require_permission."
        yield Error(f"{name} does not say who may call it.", hint=hint, id=UNGUARDED)
    elif ActionPermission in classes and not hasattr(view, "access_resource"):
        yield Error(f"{name} uses ActionPermission and has no access_resource.", id=UNDECLARED)
    else:
        own |= {label for one in classes if (label := getattr(one, LABEL, None))}
        if ActionPermission in classes:
            own |= _labels_by_action(callback, actions)
        yield from _undeclared(own, name)


def _problems_of_plain(address: str, callback: Any) -> Iterator[CheckMessage]:
    view = getattr(callback, "view_class", callback)
    name = f"{view.__module__}.{view.__qualname__}"
    label: str | None = getattr(view, LABEL, None)
    if label is not None:
        yield from _undeclared({label}, name)
    elif address.startswith(API) and getattr(callback, "login_required", True):
        hint = "Give it @require_permission, or @login_not_required where anybody may call it."
        yield Error(f"{name} does not say who may call it.", hint=hint, id=UNGUARDED)


def _permission_classes(callback: Any) -> list[Any]:
    """Those that somebody chose, for the view or for this action of it: the framework's default is no choice."""
    if "permission_classes" in callback.initkwargs:
        return list(callback.initkwargs["permission_classes"])
    default = APIView.permission_classes
    chosen = (vars(kind).get("permission_classes", default) for kind in callback.cls.__mro__ if kind is not APIView)
    return list(next((classes for classes in chosen if classes is not default), ()))


def _labels_by_action(callback: Any, actions: dict[str, str]) -> set[str]:
    found = set()
    for method, action in actions.items():
        view = callback.cls(**callback.initkwargs)
        if hasattr(callback, "actions"):
            view.action, view.action_map = action, actions
        if label := label_of(view, method.upper()):
            found.add(label)
    return found


def _undeclared(labels: set[str], name: str) -> Iterator[CheckMessage]:
    for label in sorted(labels - declared().labels.keys()):
        yield Error(f"{name} asks for {label}, which no app declares.", id=UNDECLARED)
