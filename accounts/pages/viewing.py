"""The browser of staff who look at the product as another user: what its session holds, and what it may open.

While the session holds a user and an end, `request.user` is that user. Only pages that declare `viewable` open, by GET;
everything else, the API and the admin too, is refused. Each request checks the rules of the start again.
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

KEY, OVER = "viewing", "viewing_is_over"
END = "view_as_end"  # the one address that takes a POST


def begin(request: HttpRequest, viewing: Viewing) -> None:
    """Show this browser the product as the user from the next request on."""
    request.session[KEY] = {"user": viewing.user.pk, "until": viewing.until.isoformat()}


def enter(request: HttpRequest) -> None:
    """Make the user whom the member of staff looks at the user of this request, or find that it is over."""
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
    user.acting_session = actor.acting_session  # not theirs: a service that changes something refuses it
    user.is_verified, user.otp_device = (lambda: False), None  # as OTPMiddleware
    request.viewing, request.user = viewing, user  # type: ignore[attr-defined]
    structlog.contextvars.bind_contextvars(actor_id=actor.pk)  # who really sends the request


def concerns(request: HttpRequest) -> bool:
    """Whether this browser looks at the product as another user, or did until now."""
    return hasattr(request, "viewing") or hasattr(request, OVER)


def restrict(request: HttpRequest, access: Access) -> HttpResponse | None:
    """Return None where the request may go on, else the response: a refusal, or back to who it was about."""
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
    """Stop looking at the product as another user; return whom it was, None where it was nobody."""
    stored = request.session.pop(KEY, None)
    if stored is None:
        return None
    actor: Any = request.viewing.actor if hasattr(request, "viewing") else request.user
    view_as.end(actor=actor, pk=stored["user"], client=client_of(request))
    return int(stored["user"])
