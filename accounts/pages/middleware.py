"""Middleware that ends browser sessions, activates the user's language and enforces the access of pages."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from accounts.exceptions import PasswordChangeRequiredException, TwoFactorRequiredException
from accounts.pages import browser, viewing
from accounts.services.account.access import ensure_no_action_pending
from accounts.services.mfa import methods
from accounts.services.sessions import browser as sessions_browser
from foodfleet.core.http.access import Caller, access_of


class BrowserSessionMiddleware:
    """Sign a browser out if its session has ended; otherwise activate the language of its user.

    It must come after OTPMiddleware and LocaleMiddleware. It sets `request.browser_session` to the Session, or to None
    if nobody is signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.browser_session = None  # type: ignore[attr-defined]
        if request.is_program:  # type: ignore[attr-defined]
            return self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            session_id = browser.session_id_of(request)
            session = sessions_browser.current(session_id, int(request.session[SESSION_KEY])) if session_id else None
            if session is None:
                logout(request)
                request.user.is_verified = lambda: False  # type: ignore[union-attr]  # as OTPMiddleware
            elif session.user.language:
                translation.activate(session.user.language)
                request.LANGUAGE_CODE = translation.get_language()  # as LocaleMiddleware does
            request.browser_session = session  # type: ignore[attr-defined]
            if session is not None:
                request.user.acting_session = session.pk  # type: ignore[union-attr]
                methods.add_verification(request.user, session.pk)
                viewing.enter(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Record the use of the session, and enforce the `access` that a page declares by redirects.

        `accounts.api.authentication` does this for the API.
        """
        access = access_of(view)
        session = request.browser_session  # type: ignore[attr-defined]
        if session is not None and not access.is_automatic:
            sessions_browser.mark_used(session)
        if viewing.applies_to(request):
            return viewing.restrict(request, access)
        if hasattr(view, "cls") or access.caller is Caller.ANYONE:  # `cls`: a view of the REST framework
            return None
        if session is None:
            return redirect_to_login(request.get_full_path()) if access.caller is Caller.SIGNED_IN else None
        try:
            ensure_no_action_pending(request.user, access)  # type: ignore[arg-type]
        except PasswordChangeRequiredException as error:
            messages.warning(request, str(error.message))
            return redirect(f"{reverse('account_security')}#password")
        except TwoFactorRequiredException:
            return redirect("totp_setup")
        return None
