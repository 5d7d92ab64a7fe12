"""Whether a browser is still signed in, and in whose language."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import translation

from accounts.pages import browser
from accounts.services import factors, page_sign_in
from rbac.services import decisions

# Where a second factor is set up and what that asks for first, and what must never be out of reach: leaving, the links
# of security mails, the operator's probes.
OPEN_WITHOUT_SECOND_FACTOR = frozenset({
    "totp_setup", "passkey_add", "backup_codes", "sudo", "account_security", "account_password", "set_language",
    "account_phone", "account_phone_verify", "login", "login_verify", "login_sms", "logout", "password_forgot",
    "password_reset", "not_me", "account_email_undo", "unsubscribe", "health_live", "health_ready", "jwks",
})  # fmt: skip


class BrowserSessionMiddleware:
    """Signs a browser out whose session was ended, on its very next request, and speaks its user's language.

    Stands behind AuthenticationMiddleware and LocaleMiddleware.

    `request.browser_session` is the Session, None where nobody is signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.browser_session = None  # type: ignore[attr-defined]
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            session_id = browser.session_id_of(request)
            session = page_sign_in.current(session_id, int(request.session[SESSION_KEY])) if session_id else None
            if session is None:
                logout(request)
            elif session.user.language:
                translation.activate(session.user.language)
                request.LANGUAGE_CODE = translation.get_language()  # as LocaleMiddleware does it
            request.browser_session = session  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Lead who holds a role that demands a second factor, and has none, to where it is set up.

        The API answers for itself: accounts.api.obligations.
        """
        if request.browser_session is None or request.path_info.startswith("/api/"):  # type: ignore[attr-defined]
            return None
        match = request.resolver_match
        if match and not match.namespaces and match.url_name in OPEN_WITHOUT_SECOND_FACTOR:
            return None
        if not decisions.requires_second_factor(request.user) or factors.is_enabled(request.user):  # type: ignore[arg-type]
            return None
        return redirect("totp_setup")
