"""Strict parsers for request bodies, which refuse ambiguous or unstorable content, and content negotiation."""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isinf
from typing import IO, Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.forms import ChoiceField
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from foodfleet.core.exceptions import MalformedRequestException, PayloadTooLargeException, ValidationException

MOST_FIELDS = 100  # of a form


class StrictJSONParser(BaseParser):
    """UTF-8 JSON of at most `view.max_body_bytes` (default MAX_BODY_BYTES).

    Refuses other encodings, duplicate names in an object (RFC 8259 section 4 leaves their meaning open), NaN, Infinity,
    numbers out of range, lone surrogates and nesting that is too deep. Raises MalformedRequestException or
    PayloadTooLargeException.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        view = (parser_context or {}).get("view")
        limit = getattr(view, "max_body_bytes", settings.MAX_BODY_BYTES)
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLargeException(details={"max_bytes": limit})
        try:
            value = json.loads(
                body.decode("utf-8"),
                object_pairs_hook=_object_without_duplicates,
                parse_constant=_refuse_constant,
                parse_float=_finite,
            )
            if b"\\u" in body:
                # json accepts lone surrogates such as "\ud800", which cannot be encoded and stored.
                json.dumps(value, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError):
            raise MalformedRequestException from None
        return value


class StrictFormParser(BaseParser):
    """A form of at most MAX_BODY_BYTES, as OAuth clients send it. Refuses repeated names (RFC 6749 3.2).

    Raises MalformedRequestException or PayloadTooLargeException.
    """

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise PayloadTooLargeException(details={"max_bytes": settings.MAX_BODY_BYTES})
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
            return _object_without_duplicates(pairs)
        except ValueError:
            raise MalformedRequestException from None


class StrictMultiPartParser(MultiPartParser):
    """A form with files, of at most `view.max_body_bytes` (default MAX_BODY_BYTES). Raises PayloadTooLargeException."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        context = parser_context or {}
        limit = getattr(context.get("view"), "max_body_bytes", settings.MAX_BODY_BYTES)
        if int(context["request"].META.get("CONTENT_LENGTH") or 0) > limit:
            raise PayloadTooLargeException(details={"max_bytes": limit})
        return super().parse(stream, media_type, parser_context)


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate name in an object")
    return result


def _finite(number: str) -> float:
    value = float(number)
    if isinf(value):
        raise ValueError(f"{number} is too large")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class ContentNegotiation(DefaultContentNegotiation):
    """The REST framework's content negotiation, with a shortcut for one renderer that the caller accepts.

    `?format=` chooses between the renderers of a view that has several; unknown and empty values are refused like
    those of any other parameter. Other views ignore it, as they ignore every parameter that they do not know.
    """

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = renderers[0]
        takes_it = request.META.get("HTTP_ACCEPT", "*/*") in {"*/*", first.media_type}
        if takes_it and len(renderers) == 1:
            return first, first.media_type
        if request.query_params.get(self.settings.URL_FORMAT_OVERRIDE) == "":
            self.filter_renderers(renderers, "")
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:  # noqa: A002
        """Return the renderers of a format. Raises ValidationException."""
        every = list(renderers)
        found = [renderer for renderer in every if renderer.format == format]
        if len(every) == 1 or found:
            return found or every
        message = ChoiceField.default_error_messages["invalid_choice"] % {"value": format}
        raise ValidationException.for_field(self.settings.URL_FORMAT_OVERRIDE, message, "invalid_choice")
