"""Requests of a browser in which staff view as another user.

Django's session stores the viewed user and the end of the viewing. Until then `request.user` is the viewed user. Only
pages that declare `viewable` can be opened, by GET; all other requests, also those to the API and the admin, get a 403.
Each request checks again that the viewing is allowed.
"""

from datetime import datetime
from typing import Any

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import loader
from django.utils.translation import gettext as _

from accounts.services.staff import view_as
from accounts.services.staff.view_as import Viewing
from foodfleet.core.exceptions import UnauthorizedException
from foodfleet.core.http.access import Access, Caller
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.errors import error_response, is_api

KEY = "viewing"  # in Django's session
OVER = "viewing_is_over"  # attribute of a request that finds its viewing over or no longer allowed
END = "view_as_end"  # the only URL that accepts a POST


def begin(request: HttpRequest, viewing: Viewing) -> None:
    """Let this browser view as the user from the next request on."""
    request.session[KEY] = {"user": viewing.user.pk, "until": viewing.until.isoformat()}


def enter(request: HttpRequest) -> None:
    """Replace `request.user` by the viewed user, if this browser is viewing; set OVER if the viewing has ended."""
    stored = request.session.get(KEY)
    if stored is None:
        return
    actor: Any = request.user
    until = datetime.fromisoformat(stored["until"])
    viewing = view_as.resume(actor=actor, pk=stored["user"], until=until)
    if viewing is None:
        setattr(request, OVER, stored["user"])
        return
    user: Any = viewing.user
    user.acting_session = actor.acting_session  # not a session of the user, so services refuse to change anything
    user.is_verified, user.otp_device = (lambda: False), None  # as OTPMiddleware
    request.viewing, request.user = viewing, user  # type: ignore[attr-defined]
    structlog.contextvars.bind_contextvars(actor_id=actor.pk)  # the member of staff, who sends the request


def applies_to(request: HttpRequest) -> bool:
    """Return whether this browser views as another user, or did until this request."""
    return hasattr(request, "viewing") or hasattr(request, OVER)


def restrict(request: HttpRequest, access: Access) -> HttpResponse | None:
    """Return None if the request is allowed, otherwise the response: a 403, or a redirect if the viewing is over."""
    if hasattr(request, OVER):
        leave(request)
        messages.warning(
            request,
            _("You see the product as yourself again: the time is over, or you may no longer look at that account."),
        )
        return redirect("account")
    if request.resolver_match is not None and request.resolver_match.url_name == END:
        return None
    if access.viewable and request.method in {"GET", "HEAD"}:
        if access.caller is not Caller.ANYONE:
            view_as.record_page(viewing=request.viewing, path=request.path, client=client_of(request))  # type: ignore[attr-defined]
        return None
    if is_api(request):
        return error_response(request, UnauthorizedException(_("You are looking at the product as another user.")))
    return HttpResponse(loader.render_to_string("errors/viewing.html", {}, request), status=403)


def leave(request: HttpRequest) -> int | None:
    """End the viewing and return the id of the viewed user; None if there was no viewing."""
    stored = request.session.pop(KEY, None)
    if stored is None:
        return None
    actor: Any = request.viewing.actor if hasattr(request, "viewing") else request.user
    view_as.end(actor=actor, pk=stored["user"], client=client_of(request))
    return int(stored["user"])
