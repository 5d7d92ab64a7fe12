"""Skip middleware that only browsers need for API calls of programs.

A program calls a URL under /api/ with a bearer token, or without a session cookie, and does not accept HTML. Such a
call has no session, CSRF token, messages or page language, and gets constant security headers. All other requests pass
through all middleware: pages, the admin, and the pages' scripts, which call the API with their session cookie.
"""

from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware as DjangoCSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware as DjangoMessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware as DjangoLocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django_otp.middleware import OTPMiddleware as DjangoOTPMiddleware

from foodfleet.core.http.errors import is_api

POLICY = "default-src 'none'; frame-ancestors 'none'"  # API responses load nothing


class Nobody(AnonymousUser):
    """A caller who is not signed in, with the attributes that django-otp's middleware adds to users."""

    otp_device = None

    def is_verified(self) -> bool:
        return False


def is_program(request: HttpRequest) -> bool:
    """Return whether a program calls the API, rather than a browser."""
    if not is_api(request) or "text/html" in request.META.get("HTTP_ACCEPT", ""):
        return False
    is_bearer = request.META.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer "
    return is_bearer or settings.SESSION_COOKIE_NAME not in request.COOKIES


class ApiCallMiddleware:
    """Sets `request.is_program`, and prepares the request and the response of a program.

    Comes before all middleware that is BrowserOnly.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.is_program = is_program(request)  # type: ignore[attr-defined]
        if not request.is_program:  # type: ignore[attr-defined]
            return self.get_response(request)
        request.user = Nobody()  # until the REST framework authenticates
        language = translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language  # as LocaleMiddleware does
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        return response


class BrowserOnly:
    """A mixin for middleware that skips the requests of programs.

    Hooks such as `process_view` still run for them. Django's middleware against CSRF and clickjacking is not wrapped:
    it costs little, and `check --deploy` looks for its own names.
    """

    get_response: Callable[[HttpRequest], Any]

    def __call__(self, request: HttpRequest) -> Any:
        if request.is_program:  # type: ignore[attr-defined]
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class CSPMiddleware(BrowserOnly, DjangoCSPMiddleware):
    """The policy of pages."""


class SessionMiddleware(BrowserOnly, DjangoSessionMiddleware):
    """Django's sessions."""


class LocaleMiddleware(BrowserOnly, DjangoLocaleMiddleware):
    """The language of pages."""


class AuthenticationMiddleware(BrowserOnly, DjangoAuthenticationMiddleware):
    """The user of a session."""


class OTPMiddleware(BrowserOnly, DjangoOTPMiddleware):
    """`user.is_verified()`."""


class MessageMiddleware(BrowserOnly, DjangoMessageMiddleware):
    """Messages on the next page."""
