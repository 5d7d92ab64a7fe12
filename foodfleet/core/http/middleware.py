"""Middleware for all requests: request id, client address, form of errors, headers."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.middleware.common import CommonMiddleware as DjangoCommonMiddleware

from foodfleet.core.exceptions import CookiesTooLargeException
from foodfleet.core.http import errors, ip_addresses, request_ids
from foodfleet.core.http.clients import Client
from foodfleet.core.logging import PROBES
from foodfleet.core.metrics import unknown_proxies

GetResponse = Callable[[HttpRequest], HttpResponseBase]
FORWARDED_HEADERS = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
)
MOST_COOKIES = 8 * 1024  # bytes; Python before 3.11.10 takes a minute for 200 KB in quotes (CVE-2024-7592)
USER_AGENT_LENGTH = 400


class RequestIdMiddleware:
    """Sets the id of each request and the response header with it. The outermost middleware."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request_ids.accept_or_make(request.META.get(request_ids.META_KEY))
        request.META[request_ids.META_KEY] = request_id  # django-structlog reads it there
        request.request_id = request_id  # type: ignore[attr-defined]
        response = self.get_response(request)
        response[request_ids.HEADER] = request_id
        return response


class LocalhostMiddleware:
    """Redirects a browser from a loopback address to the same page at `localhost`.

    Passkeys are bound to a name and do not work at an IP address. For development only (see settings.MIDDLEWARE).
    Browsers send `Sec-Fetch-Mode: navigate`; requests of programs and scripts are not redirected.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name, separator, port = request.META.get("HTTP_HOST", "").rpartition(":")
        navigates = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
        if navigates and name in {"127.0.0.1", "[::1]"}:
            return HttpResponseRedirect(f"{request.scheme}://localhost{separator}{port}{request.get_full_path()}")
        return self.get_response(request)


class TrustedProxyMiddleware:
    """Sets REMOTE_ADDR to the client's address; forwarding headers are trusted only from TRUSTED_PROXIES.

    X-Forwarded-For is read from the right: the first address that is not a trusted proxy is the client. Forwarding
    headers from other senders are removed. REMOTE_ADDR is normalized by `ip_addresses`, or '' if it is no IP address.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        client = ip_addresses.address(request.META.get("REMOTE_ADDR", ""))
        if _is_trusted(client):
            client = _forwarded_for(request, client)
        else:
            dropped = [request.META.pop(header, None) for header in FORWARDED_HEADERS]
            request.is_forwarded_by_unknown = any(dropped)  # type: ignore[attr-defined]
            if any(dropped):
                unknown_proxies.count(client)
        request.META["REMOTE_ADDR"] = str(client or "")
        return self.get_response(request)


def _forwarded_for(request: HttpRequest, proxy: ip_addresses.Address | None) -> ip_addresses.Address | None:
    """Return the client that a trusted proxy names, or the proxy if it names none."""
    nearest = proxy
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        found = ip_addresses.address(hop)
        if found is None:
            break
        nearest = found
        if not _is_trusted(found):
            break
    return nearest


def _is_trusted(address: ip_addresses.Address | None) -> bool:
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


class ApiEnvelopeMiddleware:
    """Gives every error under /api/ the error envelope, also those of Django and other middleware."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if len(request.META.get("HTTP_COOKIE", "")) > MOST_COOKIES:
            del request.META["HTTP_COOKIE"]
            return errors.error_response(request, CookiesTooLargeException())
        response = self.get_response(request)
        foreign = response.status_code >= 400 and "json" not in response.get("Content-Type", "")
        if foreign and errors.is_api(request):
            return errors.envelope_for_foreign_response(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Convert an exception of a view. Crashes of pages are left to Django, for its debug page."""
        error = errors.to_app_exception(exception)
        if error.status_code == 500 and not errors.is_api(request):
            return None
        errors.log_if_ours(error, exception)
        return errors.error_response(request, error)


class NoStoreMiddleware:
    """Forbids caching of responses, unless a view sets its own Cache-Control.

    RFC 6749 section 5.1 and ASVS 5.0 14.3.2: responses contain tokens and personal data.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class CommonMiddleware(DjangoCommonMiddleware):
    """Django's CommonMiddleware with two differences.

    It accepts any host for health checks and scrapes, which use a pod's IP address. And it appends slashes only for GET
    and HEAD: a redirected POST would lose its body, so it gets 404.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info.startswith(PROBES) else super().process_request(request)

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in {"GET", "HEAD"} and super().should_redirect_with_slash(request)


class ClientMiddleware:
    """Sets `request.client` (`foodfleet.core.http.clients.Client`), and logs the client's address."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        client = self.client(request)
        request.client = client  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(ip=client.ip)
        return self.get_response(request)

    def client(self, request: HttpRequest) -> Client:
        """Return the client. A subclass adds what cookies tell about it."""
        return Client(
            ip=request.META.get("REMOTE_ADDR", ""),
            user_agent=request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:USER_AGENT_LENGTH],
            request_id=request_ids.request_id_of(request),
        )
