"""Pages that people use in a browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.exceptions import InvalidTokenException
from accounts.services import registration
from foodfleet.core.clients import client_of


@require_http_methods(["GET", "HEAD", "POST"])
def verify_email(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm an address. A GET asks first: mail scanners open links, and must not use them up."""
    if request.method != "POST":
        return render(request, "accounts/email_verify.html", {"token": token})
    try:
        registration.verify_email(token=token, client=client_of(request))
    except InvalidTokenException:
        return render(request, "accounts/email_verify_invalid.html", status=400)
    return render(request, "accounts/email_verify_done.html")


def home(request: HttpRequest) -> HttpResponse:
    """Scaffold."""
    return HttpResponse("")
