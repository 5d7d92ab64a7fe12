"""Links in mails about another e-mail address. A GET asks first: mail scanners open links, and must not use them up."""

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
    """Use the new address from now on."""
    template = "accounts/email_change_confirm.html"
    throttling.count("forgot", client_of(request))
    try:
        if request.method == "POST":
            email.confirm(token=token, client=client_of(request))
            messages.success(request, _("Your e-mail address has been changed. Use it to sign in from now on."))
            return redirect("home")
        proof = email.find(token)
    except (InvalidTokenException, UserAlreadyExistsException) as error:
        return render(request, template, {"valid": False}, status=error.status_code)
    return render(request, template, {"token": token, "valid": True, "new_email": proof.data["new_email"]})


@never_cache
@endpoint(PUBLIC, "GET", "POST")
def undo(request: HttpRequest, token: str) -> HttpResponse:
    """Go back to the former address, and sign every device out."""
    template = "accounts/email_undo.html"
    throttling.count("forgot", client_of(request))
    try:
        if request.method == "POST":
            email.undo(token=token, client=client_of(request))
            return render(request, template, {"done": True})
        proof = email.find_undo(token)
    except InvalidTokenException:
        return render(request, template, {"valid": False}, status=400)
    return render(request, template, {"token": token, "valid": True, **proof.data})
