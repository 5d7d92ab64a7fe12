"""The one answer that the ground floor gives by itself."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from foodfleet.core.errors import error_response
from foodfleet.core.exceptions import NotFoundException


@login_not_required
@csrf_exempt
def api_not_found(request: HttpRequest) -> HttpResponse:
    """An address under /api/ that no route knows."""
    hint = (
        None if request.path_info.endswith("/") else _("There is nothing here. Every path of the API ends in a slash.")
    )
    return error_response(request, NotFoundException(hint))
