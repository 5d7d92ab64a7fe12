"""The front door."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To one's own profile, or to the sign-in."""
    return redirect("account" if request.user.is_authenticated else "login")
