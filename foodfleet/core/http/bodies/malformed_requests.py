"""Reject malformed requests before any view runs."""

import codecs
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from foodfleet.core.exceptions import (
    BaseAppException,
    LengthRequiredException,
    MalformedRequestException,
    NotFoundException,
    PayloadTooLargeException,
    RequestTimeoutException,
    ServiceUnavailableException,
)
from foodfleet.core.http import errors
from foodfleet.core.http.bodies.request_bodies import FAULT, BodyFault

BODY_FAULTS: dict[BodyFault, type[BaseAppException]] = {
    BodyFault.TIMEOUT: RequestTimeoutException,
    BodyFault.TOO_LARGE: PayloadTooLargeException,
    BodyFault.LENGTH_REQUIRED: LengthRequiredException,
    BodyFault.CUT_OFF: MalformedRequestException,
    BodyFault.OVERLOADED: ServiceUnavailableException,
}
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
ID_DIGITS = 18  # numbers of up to 18 digits fit into a bigint; no row has a longer id
LARGEST_ID: int = 10**18 - 1


class MalformedRequestMiddleware:
    """Rejects incomplete bodies, unreadable forms, and ids that no row can have."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if fault := request.META.get(FAULT):
            return errors.error_response(request, BODY_FAULTS[fault]())
        has_nul = "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")
        if has_nul or not _has_readable_form(request):
            return errors.error_response(request, MalformedRequestException())
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Return 404 for an id in the path that is too large for the database. The API's services do so themselves."""
        if errors.is_api(request) or not any(map(_is_too_long_for_an_id, kwargs.values())):
            return None
        return errors.error_response(request, NotFoundException())


def _has_readable_form(request: HttpRequest) -> bool:
    """Return whether a form is UTF-8, as all browsers send it. Other charsets may contain unstorable characters."""
    if request.content_type not in FORMS:
        return True
    try:
        if codecs.lookup((request.content_params or {}).get("charset", "utf-8")).name != "utf-8":
            return False
        if not errors.is_api(request):
            for text in _names_of_parts(request):
                text.encode()
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _names_of_parts(request: HttpRequest) -> Iterator[str]:
    """Yield the names of fields and files: each may have its own charset (RFC 2231)."""
    yield from request.POST
    for field, files in request.FILES.lists():
        yield field
        yield from (file.name or "" for file in files)


def _is_too_long_for_an_id(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) > LARGEST_ID
    return isinstance(value, str) and len(value) > ID_DIGITS and value.removeprefix("-").isdecimal()
