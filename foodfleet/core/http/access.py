"""The requirements of a view, declared once on the view, for the API, the pages and the admin.

A class-based view declares it in its attribute `access`, a function view by `@endpoint(...)`, the admin on its site.
`rbac.api.guards.require_permission` declares the permission that it checks. A system check fails for a view
without a declaration; a request for one is treated as SIGNED_IN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from django.views.decorators.http import require_http_methods

Callback = TypeVar("Callback", bound=Callable[..., Any])


class Caller(StrEnum):
    """Who may call a view."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    STAFF = "staff"  # who may enter the admin
    PERMITTED = "permitted"  # holders of the permission that the view names


class RequiredAction(StrEnum):
    """What a user who is signed in must do first."""

    PASSWORD_CHANGE = "password_change"
    MFA_ENROLMENT = "mfa_enrolment"


class Reauthentication(StrEnum):
    """When a view needs a session that was re-authenticated in the last ten minutes."""

    ALWAYS = "always"
    WITH_MFA = "with_mfa"  # if the user has MFA
    BY_SERVICE = "by_service"  # the service decides, by what the request changes


@dataclass(frozen=True)
class Access:
    """Who may call a view, and under which conditions.

    while_pending: the required actions during which it stays open. reauthentication: by HTTP method. viewable: staff
    who view the product as another user may open it. is_automatic: a page requests it by itself, so it is no use of the
    browser session and does not keep it open.
    """

    caller: Caller
    permission: str = ""
    while_pending: frozenset[RequiredAction] = frozenset()
    reauthentication: Mapping[str, Reauthentication] = field(default_factory=dict)
    viewable: bool = False
    is_automatic: bool = False

    def with_reauthentication(self, **methods: Reauthentication) -> "Access":
        """Return the same access with re-authentication for these HTTP methods."""
        return replace(self, reauthentication=methods)


PUBLIC = Access(Caller.ANYONE, while_pending=frozenset(RequiredAction))
SIGNED_IN = Access(Caller.SIGNED_IN)
STAFF = Access(Caller.STAFF)
DURING_MFA_ENROLMENT = replace(SIGNED_IN, while_pending=frozenset({RequiredAction.MFA_ENROLMENT}))
DURING_REQUIRED_ACTIONS = replace(SIGNED_IN, while_pending=frozenset(RequiredAction))


def declare(access: Access, callback: Callback) -> Callback:
    """Declare the requirements of `callback`, for views of libraries and decorators."""
    callback.access = access  # type: ignore[attr-defined]
    return callback


def endpoint(access: Access, *methods: str) -> Callable[[Callback], Callback]:
    """Declare the requirements and methods of a function view (GET includes HEAD; none: all)."""

    def decorate(view: Callback) -> Callback:
        if not methods:
            return declare(access, view)
        allowed = [*methods, "HEAD"] if "GET" in methods else [*methods]
        checked: Any = declare(access, require_http_methods(allowed)(view))
        checked.http_method_names = [method.lower() for method in allowed]
        return checked  # type: ignore[no-any-return]

    return decorate


def viewable(view: Callback) -> Callback:
    """Open a page to staff who view the product as its user. It must show no secret, and its GET must change nothing.

    Apply it outermost: above the `endpoint` of a function, and above a class.
    """
    return declare(replace(declared_access(view) or SIGNED_IN, viewable=True), view)


def declared_access(callback: Any) -> Access | None:
    """Return the access that the view of a URL pattern declares; None if it declares none."""
    site = getattr(getattr(callback, "model_admin", callback), "admin_site", None)
    for holder in (callback, getattr(callback, "view_class", None), getattr(callback, "cls", None), site):
        access = getattr(holder, "access", None)
        if isinstance(access, Access):
            return access
    return None


def access_of(callback: Any) -> Access:
    """Return the requirements of a view; by default SIGNED_IN."""
    return declared_access(callback) or SIGNED_IN
