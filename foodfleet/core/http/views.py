"""Views and view decorators that belong to no app."""

from collections.abc import Callable

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt

from foodfleet.core.exceptions import NotFoundException
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.errors import error_response


@endpoint(PUBLIC)
@csrf_exempt
def api_not_found(request: HttpRequest) -> HttpResponse:
    """Return the 404 for a path under /api/ without a route."""
    message = _("Not found. The documentation is at /api/v1/docs/.")
    if not request.path_info.endswith("/"):
        message = _("Not found. Every path of the API ends in a slash; the documentation is at /api/v1/docs/.")
    return error_response(request, NotFoundException(message))


View = Callable[..., HttpResponseBase]

# E-mails have inline styles. The sandbox also protects when the page is opened outside of the frame.
POLICY = {
    "style-src": ["'self'", "'unsafe-inline'"],
    "script-src": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": True,
}


def frames_email(view: View) -> View:
    """Allow our pages to frame the response of `view`, without scripts, forms or an origin."""
    return xframe_options_sameorigin(csp_replace(POLICY)(view))
