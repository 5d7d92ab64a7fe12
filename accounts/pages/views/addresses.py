"""Links about a new e-mail address. A GET only asks for confirmation, because mail scanners open links."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.exceptions import InvalidTokenException, UserAlreadyExistsException
from accounts.services.account import email
from foodfleet.core.http import throttling
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.clients import client_of


@never_cache
@endpoint(PUBLIC, "GET", "POST")
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm a new address."""
    template = "accounts/email_change_confirm.html"
    throttling.count("forgot", client_of(request))
    try:
        if request.method == "POST":
            email.confirm(token=token, client=client_of(request))
            messages.success(request, _("Your e-mail address has been changed. Use it to sign in from now on."))
            return redirect("home")
        link = email.find(token)
    except (InvalidTokenException, UserAlreadyExistsException) as error:
        return render(request, template, {"valid": False}, status=error.status_code)
    return render(request, template, {"token": token, "valid": True, "new_email": link.data["new_email"]})


@never_cache
@endpoint(PUBLIC, "GET", "POST")
def undo(request: HttpRequest, token: str) -> HttpResponse:
    """Restore the old address and sign out every device."""
    template = "accounts/email_undo.html"
    throttling.count("forgot", client_of(request))
    try:
        if request.method == "POST":
            email.undo(token=token, client=client_of(request))
            return render(request, template, {"done": True})
        link = email.find_undo(token)
    except InvalidTokenException:
        return render(request, template, {"valid": False}, status=400)
    return render(request, template, {"token": token, "valid": True, **link.data})
