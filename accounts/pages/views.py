"""Pages that people use in a browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.exceptions import InvalidTokenException
from accounts.services import not_me as not_me_links
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


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """Secure an account. A GET asks first: mail scanners open links, and must not use them up."""
    try:
        if request.method == "POST":
            not_me_links.report(token=token, client=client_of(request))
            return render(request, "accounts/not_me_done.html")
        not_me_links.owner_of(token)
    except InvalidTokenException:
        return render(request, "accounts/not_me.html", {"token": token, "valid": False}, status=400)
    return render(request, "accounts/not_me.html", {"token": token, "valid": True})


def home(request: HttpRequest) -> HttpResponse:
    """Scaffold."""
    return HttpResponse("")


def home_with_token(request: HttpRequest, token: str) -> HttpResponse:
    """Scaffold."""
    return HttpResponse("")
