"""The one answer that the ground floor gives by itself."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from foodfleet.core.exceptions import NotFoundException
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.errors import error_response


@endpoint(PUBLIC)
@csrf_exempt
def api_not_found(request: HttpRequest) -> HttpResponse:
    """An address under /api/ that no route knows."""
    message = _("Not found. The documentation is at /api/v1/docs/.")
    if not request.path_info.endswith("/"):
        message = _("Not found. Every path of the API ends in a slash; the documentation is at /api/v1/docs/.")
    return error_response(request, NotFoundException(message))
