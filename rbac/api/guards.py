"""Guards of views: `@require_permission("users", "delete")`, and ActionPermission for viewsets."""

from collections.abc import Callable
from functools import wraps
from inspect import isclass, iscoroutinefunction
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.views import View
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from foodfleet.core.exceptions import UnauthorizedException
from foodfleet.core.http.access import Access, Caller
from foodfleet.core.http.errors import is_api
from rbac.services import decisions

Guarded = TypeVar("Guarded", bound=Callable[..., Any])

BY_ACTION = {
    "list": "read",
    "retrieve": "read",
    "metadata": "read",
    "create": "create",
    "update": "update",
    "partial_update": "update",
    "destroy": "delete",
}
BY_METHOD = {
    "GET": "read",
    "HEAD": "read",
    "OPTIONS": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}
CODENAME = "required_permission"  # attribute of guarded functions and classes with the codename


class ActionPermission(BasePermission):
    """Require `<view.access_resource>:<action>`, where `list` and `retrieve` are `read` and `destroy` is `delete`.

    A view may map its actions in `access_actions` ({"lock": "update"}), and may return the scope of the permission from
    a method `access_scope(request)`. A method with @require_permission requires only that permission. For actions (in a
    plain view: methods) in `scoped_actions`, the permission in any scope suffices. The view must then show and change
    only rows that are `visible_to` the user, or its service must check the scope.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        codename = codename_of(view, request.method or "")
        if codename is None:  # no such method, which is 405 and not 403
            return True
        if (getattr(view, "action", None) or request.method) in getattr(view, "scoped_actions", ()):
            decisions.require_somewhere(request.user, codename)
            return True
        find_scope = getattr(view, "access_scope", None)
        decisions.require(request.user, codename, scope=find_scope(request) if find_scope else None)
        return True


def codename_of(view: Any, method: str) -> str | None:
    """Return the codename that a call of `view` requires; None if it has no such method."""
    action = getattr(view, "action", None)
    handler = getattr(view, action or method.lower(), None)
    if handler is None or (getattr(view, "action_map", None) is not None and action is None):
        return None
    guarded: str | None = getattr(handler, CODENAME, None)
    return guarded or f"{view.access_resource}:{action_of(view, action or method)}"


def action_of(view: Any, name: str) -> str:
    """Return the action of the permission for a method or an action of a viewset."""
    named: dict[str, str] = getattr(view, "access_actions", {})
    return named.get(name) or BY_ACTION.get(name) or BY_METHOD.get(name.upper()) or name


def permission_of(view: Any, method: str) -> str:
    """Return the codename that a method of a view of the REST framework requires, or ''."""
    if ActionPermission in view.permission_classes:
        return codename_of(view, method) or ""
    return next((getattr(one, CODENAME) for one in view.permission_classes if hasattr(one, CODENAME)), "")


def holds(resource: str, action: str, *, scoped: bool = False) -> type[BasePermission]:
    """Return a permission class of the REST framework that requires `resource:action`. scoped: any scope suffices."""
    codename = f"{resource}:{action}"

    class Holds(BasePermission):
        required_permission = codename

        def has_permission(self, request: Request, view: Any) -> bool:
            if not request.user or not request.user.is_authenticated:
                return False
            if scoped:
                decisions.require_somewhere(request.user, codename)
                return True
            find_scope = getattr(view, "access_scope", None)
            decisions.require(request.user, codename, scope=find_scope(request) if find_scope else None)
            return True

    return Holds


def require_permission(resource: str, action: str, *, scoped: bool = False) -> Callable[[Guarded], Guarded]:
    """Require `resource:action` for a view; the 403 response names the codename.

    It works for class and function views of Django, also async ones, and for classes, @api_view and actions of a
    viewset of the REST framework, above or below @api_view and @action. Users who are not signed in get 401 from the
    API, and elsewhere a redirect to the sign-in page.

    scoped: the permission in any scope suffices. Only for a view whose queryset is `visible_to` the user, or whose
    service checks the scope.
    """

    def guard(target: Any) -> Any:
        if isclass(target) and issubclass(target, APIView):
            target.permission_classes = [*target.permission_classes, holds(resource, action, scoped=scoped)]
            return target
        if isclass(target) and issubclass(target, View):
            return _guard_view_class(target, f"{resource}:{action}", scoped)
        if isclass(getattr(target, "cls", None)):  # the result of @api_view
            guard(target.cls)
            return target
        return _guard_function(resource, action, scoped)(target)

    return guard


def _guard_view_class(target: Any, codename: str, scoped: bool) -> Any:
    """Check the permission before `dispatch`, for async views in a thread, because the ORM is synchronous."""
    dispatch = target.dispatch

    async def guarded_async(view: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        denial = await sync_to_async(_denial)(request, codename, scoped)
        return denial if denial is not None else await dispatch(view, request, *args, **kwargs)

    @wraps(dispatch)
    def guarded(view: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if type(view).view_is_async:
            return guarded_async(view, request, *args, **kwargs)
        denial = _denial(request, codename, scoped)
        return denial if denial is not None else dispatch(view, request, *args, **kwargs)

    target.dispatch = guarded
    target.access = Access(Caller.PERMITTED, codename)
    setattr(target, CODENAME, codename)
    return target


def _guard_function(resource: str, action: str, scoped: bool) -> Callable[[Any], Any]:
    codename = f"{resource}:{action}"

    def guard(function: Any) -> Any:
        if iscoroutinefunction(function):

            @wraps(function)
            async def guarded_async(*args: Any, **kwargs: Any) -> Any:
                denial = await sync_to_async(_denial)(_request_of(args), codename, scoped)
                return denial if denial is not None else await function(*args, **kwargs)

            guarded: Any = guarded_async
        else:

            @wraps(function)
            def guarded_sync(*args: Any, **kwargs: Any) -> Any:
                denial = _denial(_request_of(args), codename, scoped)
                return denial if denial is not None else function(*args, **kwargs)

            guarded = guarded_sync
        setattr(guarded, CODENAME, codename)
        guarded.access = Access(Caller.PERMITTED, codename)
        guarded.permission_classes = [
            IsAuthenticated,
            holds(resource, action, scoped=scoped),
        ]  # for an @api_view around it
        return guarded

    return guard


def _request_of(args: tuple[Any, ...]) -> Any:
    """Return the request among the arguments of a function view or, after self, of a method."""
    return next(argument for argument in args[:2] if isinstance(argument, (HttpRequest, Request)))


def _denial(request: Any, codename: str, scoped: bool) -> HttpResponseBase | None:
    """Return None for a user with `codename`, or a redirect to the sign-in page for an anonymous user.

    Raises InsufficientPermissionsException, or UnauthorizedException in the API.
    """
    if not request.user.is_authenticated:
        if isinstance(request, Request) or is_api(request):
            raise UnauthorizedException
        return redirect_to_login(request.get_full_path())
    if scoped:
        decisions.require_somewhere(request.user, codename)
    else:
        decisions.require(request.user, codename)
    return None
