"""Browser sign-in: Django's session cookie, bound to one of our sessions."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponseBase

from accounts import cookies
from accounts.models import User
from accounts.services.login.password import SignedIn
from accounts.services.mfa import trusted_browsers
from accounts.services.sessions import browser
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.http.clients import Client, client_of

KEY, REGISTERED = "session", "registered"  # keys in Django's session
DAY = 24 * 3600  # seconds


def sign_in(request: HttpRequest, response: HttpResponseBase, signed_in: SignedIn, *, remember: bool = False) -> None:
    """Sign the browser in, with the result of a sign-in service; it gets a new session key and CSRF token.

    remember: trust this browser to skip MFA; only after MFA was passed.
    """
    request.signed_in = signed_in  # type: ignore[attr-defined]
    login(request, signed_in.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    cookies.set_device(response, signed_in.device)
    if remember:
        value = trusted_browsers.remember(user=signed_in.user, client=client_of(request))
        cookies.set_trusted_browser(response, value)


def bind(request: HttpRequest, user: User) -> None:
    """Write the id of the session into Django's session, at each sign-in of a browser."""
    signed_in: SignedIn | None = getattr(request, "signed_in", None)
    if signed_in is not None:
        session = signed_in.tokens.session
    else:
        session = browser.start(user=user, client=getattr(request, "client", Client()))
    request.session[KEY] = str(session.pk)
    request.session.set_expiry(settings.SESSION_MAX_DAYS * DAY)


def store_registration(request: HttpRequest, email: str) -> None:
    """Store that this browser registered `email`, even if no account was created."""
    request.session[REGISTERED] = normalize_email(email)


def pop_registration(request: HttpRequest, user: User) -> bool:
    """Return whether this browser registered the account of `user` and nobody is signed in; delete the record."""
    return request.session.pop(REGISTERED, None) == user.email and not request.user.is_authenticated


def session_id_of(request: HttpRequest) -> UUID | None:
    """Return the id of the browser's session; None if nobody is signed in."""
    session_id = request.session.get(KEY)
    return UUID(session_id) if session_id else None
