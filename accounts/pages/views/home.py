"""The start page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from foodfleet.core.http.access import PUBLIC, endpoint, viewable


@viewable
@endpoint(PUBLIC, "GET")
def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the profile, or to sign-in."""
    return redirect("account" if request.user.is_authenticated else "login")
