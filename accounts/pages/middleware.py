"""Whether a browser is still signed in, and in whose language."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.pages import browser
from accounts.services.mfa import methods
from accounts.services.sessions import browser as sessions_browser
from rbac.services import decisions

# Pages that ask nobody to sign in ask nobody who is for anything else.
OPEN = frozenset({
    "home", "set_language", "register", "email_verify", "email_resend", "login", "login_verify", "login_sms", "logout",
    "password_forgot", "password_reset", "not_me", "account_email_confirm", "account_email_undo", "unsubscribe",
    "admin:login", "admin:logout", "health_live", "health_ready", "jwks", "dev_mailbox", "dev_mailbox_body",
})  # fmt: skip
# Where another password is chosen, and what that asks for first.
OPEN_TO_OBLIGED = OPEN | {"account_security", "account_password", "sudo", "sessions_end_others"}
# Where a second factor is set up; who owes another password too chooses that first.
OPEN_WITHOUT_SECOND_FACTOR = OPEN_TO_OBLIGED | {"totp_setup", "passkey_add", "backup_codes"}


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
            session = sessions_browser.current(session_id, int(request.session[SESSION_KEY])) if session_id else None
            if session is None:
                logout(request)
            elif session.user.language:
                translation.activate(session.user.language)
                request.LANGUAGE_CODE = translation.get_language()  # as LocaleMiddleware does it
            request.browser_session = session  # type: ignore[attr-defined]
            if session is not None:
                request.user.acting_session = session.pk  # type: ignore[union-attr]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Lead who owes another password, or a second factor that a role demands, to where that is done.

        The API answers for itself: accounts.api.obligations.
        """
        if request.browser_session is None or request.path_info.startswith("/api/"):  # type: ignore[attr-defined]
            return None
        page = request.resolver_match.view_name if request.resolver_match else ""
        user: Any = request.user
        if page not in OPEN_TO_OBLIGED and user.must_change_password:
            messages.warning(request, _("Please choose a new password first."))
            return redirect(f"{reverse('account_security')}#password")
        if page in OPEN_WITHOUT_SECOND_FACTOR or not decisions.requires_second_factor(user):
            return None
        return None if methods.is_enabled(user) else redirect("totp_setup")
