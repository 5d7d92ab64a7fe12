"""The link "That wasn't me" in a security e-mail."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.exceptions import InvalidTokenException
from accounts.services.account import report_compromise
from accounts.services.one_time import tokens
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.clients import client_of


@never_cache
@endpoint(PUBLIC, "GET", "POST")
def report(request: HttpRequest, token: str) -> HttpResponse:
    """Report a compromise. A GET only asks for confirmation, because mail scanners open links."""
    try:
        if request.method == "POST":
            report_compromise.report(token=token, client=client_of(request))
            return render(request, "accounts/not_me_done.html")
        tokens.report_token_owner(token)
    except InvalidTokenException:
        return render(request, "accounts/report_compromise.html", {"token": token, "valid": False}, status=400)
    return render(request, "accounts/report_compromise.html", {"token": token, "valid": True})
