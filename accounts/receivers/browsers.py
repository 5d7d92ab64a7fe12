"""Give every browser that Django signs in a session of ours, so that it is listed and can be ended."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.pages import browser
from accounts.services.sessions import sessions
from foodfleet.core.http.clients import Client


@receiver(user_logged_in)
def bind_browser(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Bind the browser to the session of the sign-in, or to a new one if other code signed it in."""
    browser.bind(request, user)


@receiver(user_logged_out)
def end_session(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """End the session of the browser."""
    session_id = browser.session_id_of(request)
    if session_id is not None:
        sessions.sign_out_browser(session_id=session_id, client=getattr(request, "client", Client()))
