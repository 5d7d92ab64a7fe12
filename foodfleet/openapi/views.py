"""The view that serves the OpenAPI document."""

from functools import cache
from threading import Lock
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

# Generating a document takes about a second of CPU time, and drf-spectacular is not thread-safe.
_one_thread = Lock()


@cache
def document_in(language: str, media_format: str) -> bytes:
    """Return the document in a language, as JSON or YAML. It does not change while the process runs."""
    renderer = OpenApiJsonRenderer() if media_format == OpenApiJsonRenderer.format else OpenApiYamlRenderer()
    with translation.override(language):
        content: bytes = renderer.render(SchemaGenerator().get_schema(public=True), renderer_context={})
    return content


class SchemaView(SpectacularAPIView):
    """Serves the document from memory: each process generates it once for each language and format."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the document in the language of `lang`, or else of the request."""
        language = request.GET.get("lang", "")
        if language not in dict(settings.LANGUAGES):
            language = translation.get_language()
        renderer = request.accepted_renderer
        with _one_thread:
            content = document_in(language, renderer.format)
        headers = {"Content-Disposition": f'inline; filename="openapi.{renderer.format}"'}
        return HttpResponse(content, content_type=renderer.media_type, headers=headers)
