"""Whether a browser is still signed in, and in whose language."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from accounts.pages import browser
from accounts.services import page_sign_in


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
