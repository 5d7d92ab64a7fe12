"""Cookies of known devices and trusted browsers."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from foodfleet.core.http.clients import Client
from foodfleet.core.http.middleware import ClientMiddleware

DEVICE_LENGTH = 64
TRUSTED_BROWSER_LENGTH = 400


class BrowserClientMiddleware(ClientMiddleware):
    """Middleware that sets `request.client`, with the cookies that identify a browser."""

    def client(self, request: HttpRequest) -> Client:
        return replace(
            super().client(request),
            device=request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")[:DEVICE_LENGTH],
            trusted_browser=request.COOKIES.get(settings.TRUSTED_BROWSER_COOKIE_NAME, "")[:TRUSTED_BROWSER_LENGTH],
        )


def set_device(response: HttpResponseBase, device: str) -> None:
    """Store the device id, so that the browser is recognised next time."""
    _set(response, settings.DEVICE_COOKIE_NAME, device, settings.DEVICE_COOKIE_AGE)


def set_trusted_browser(response: HttpResponseBase, value: str) -> None:
    """Store that this is a trusted browser. value: from `trusted_browsers.remember`."""
    _set(response, settings.TRUSTED_BROWSER_COOKIE_NAME, value, settings.TRUSTED_BROWSER_COOKIE_AGE)


def _set(response: HttpResponseBase, name: str, value: str, age: int) -> None:
    """Set a cookie that scripts cannot read. age: seconds."""
    response.set_cookie(name, value, max_age=age, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax")
