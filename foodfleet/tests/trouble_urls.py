"""Development's URLconf with URLs that fail on purpose: `/trouble/503/`."""

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.urls import path

from foodfleet.core.exceptions import MalformedRequestException, ThrottledException
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.tests import development_urls
from foodfleet.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

TROUBLES = {
    400: MalformedRequestException(),
    403: PermissionDenied(),
    429: ThrottledException(30),
    500: RuntimeError("made up for a test"),
    503: OperationalError("made up for a test"),
}


@endpoint(PUBLIC)
def trouble(request, status):
    raise TROUBLES[status]


urlpatterns = [path("trouble/<int:status>/", trouble), *development_urls.urlpatterns]
