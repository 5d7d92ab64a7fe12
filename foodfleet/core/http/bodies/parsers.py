"""Parse JSON bodies strictly: ambiguous or unstorable content is an error."""

import json
from collections.abc import Mapping
from math import isinf
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from foodfleet.core.exceptions import MalformedRequestException, PayloadTooLargeException


class StrictJSONParser(BaseParser):
    """UTF-8 JSON of at most `view.max_body_bytes` (default MAX_BODY_BYTES).

    Malformed are: other encodings, duplicate names in an object (RFC 8259 section 4 leaves their meaning open), NaN,
    Infinity, numbers out of range, lone surrogates and nesting that is too deep. Raises MalformedRequestException or
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
                # json accepts "\ud800" although no encoding can write it: detect it before the database does.
                json.dumps(value, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError):
            raise MalformedRequestException from None
        return value


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return result


def _finite(number: str) -> float:
    value = float(number)
    if isinf(value):
        raise ValueError(f"{number} is too large")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
