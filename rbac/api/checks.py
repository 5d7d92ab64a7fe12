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


def check_views(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors for views of the REST framework that nobody guarded, and for labels that no app declares."""
    return problems_of(get_resolver().url_patterns)


def problems_of(patterns: list[Any]) -> list[CheckMessage]:
    """What is wrong with the views behind these patterns."""
    found: dict[str, CheckMessage] = {}
    for callback in _callbacks(patterns):
        for problem in _problems(callback):
            found.setdefault(str(problem), problem)
    return list(found.values())


def _callbacks(patterns: list[Any]) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and issubclass(getattr(pattern.callback, "cls", object), APIView):
            yield pattern.callback


def _problems(callback: Any) -> Iterator[CheckMessage]:
    view: Any = callback.cls
    actions: dict[str, str] = getattr(callback, "actions", None) or {m: m for m in METHODS if hasattr(view, m)}
    name = f"{view.__module__}.{view.__qualname__}"
    if not _is_decided(view) and not all(hasattr(getattr(view, action), LABEL) for action in actions.values()):
        hint = "Give it permission_classes (ActionPermission, IsAuthenticated, AllowAny) or @require_permission."
        yield Error(f"{name} does not say who may call it.", hint=hint, id=UNGUARDED)
    elif ActionPermission in view.permission_classes:
        yield from _undeclared(callback, actions, name)


def _is_decided(view: Any) -> bool:
    """Whether somebody chose its permission classes: the framework's default is no choice."""
    default = APIView.permission_classes
    chosen = (vars(kind).get("permission_classes", default) for kind in view.__mro__ if kind is not APIView)
    return any(classes is not default for classes in chosen)


def _undeclared(callback: Any, actions: dict[str, str], name: str) -> Iterator[CheckMessage]:
    if not hasattr(callback.cls, "access_resource"):
        yield Error(f"{name} uses ActionPermission and has no access_resource.", id=UNDECLARED)
        return
    for method, action in actions.items():
        view = callback.cls(**callback.initkwargs)
        if hasattr(callback, "actions"):
            view.action, view.action_map = action, actions
        label = label_of(view, method.upper())
        if label not in declared().labels:
            yield Error(f"{name} asks for {label}, which no app declares.", id=UNDECLARED)
