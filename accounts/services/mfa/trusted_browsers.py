"""Trusted browsers: they skip the second step of a sign-in for 30 days."""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from accounts.models import TrustedBrowser, User
from accounts.models.mfa import TrustedBrowserQuerySet
from accounts.services import audit
from accounts.states import EventKind
from foodfleet.core import crypto
from foodfleet.core.exceptions import NotFoundException
from foodfleet.core.http.clients import Client

SALT = "trusted-browser"


def remember(*, user: User, client: Client) -> str:
    """Trust this browser to skip the user's second step, and return the value of its cookie.

    Call it when the user has just passed MFA in this browser. The trust ends when MFA is disabled.
    """
    token = crypto.new_token()
    with transaction.atomic():
        if client.trusted_browser:
            TrustedBrowser.objects.of(user).filter(digest=_digest(client.trusted_browser)).delete()
        TrustedBrowser.objects.create(
            user=user,
            digest=crypto.digest(token),
            user_agent=client.user_agent,
            ip=client.ip or None,
            expires_at=timezone.now() + _lifetime(),
        )
        audit.record(kind=EventKind.BROWSER_TRUSTED, user=user, client=client)
    return signing.dumps({"user": user.pk, "token": token}, salt=SALT)


def is_trusted(*, user: User, client: Client) -> bool:
    """Return whether the client's cookie is from `remember`, for `user`, and has not expired."""
    if not client.trusted_browser:
        return False
    now = timezone.now()
    live = TrustedBrowser.objects.of(user).live(now).filter(digest=_digest(client.trusted_browser))
    return live.update(last_used_at=now, ip=client.ip or None) == 1


def live(user: User) -> TrustedBrowserQuerySet:
    """Return the user's trusted browsers, most recently used first."""
    return TrustedBrowser.objects.of(user).live(timezone.now())


def is_current(browser: TrustedBrowser, client: Client) -> bool:
    """Return whether the request comes from `browser`."""
    return bool(client.trusted_browser) and browser.digest == _digest(client.trusted_browser)


def forget(*, user: User, browser_id: int, client: Client) -> None:
    """Stop trusting this browser. Raises NotFoundException if it is not one of the user's."""
    with transaction.atomic():
        if not TrustedBrowser.objects.of(user).filter(pk=browser_id).delete()[0]:
            raise NotFoundException
        audit.record(kind=EventKind.BROWSER_FORGOTTEN, user=user, client=client)


def forget_all(user: User, *, keep: Client | None = None) -> None:
    """Stop trusting every browser of `user`, except that of the client `keep`."""
    known = TrustedBrowser.objects.of(user)
    if keep is not None and keep.trusted_browser:
        known = known.exclude(digest=_digest(keep.trusted_browser))
    known.delete()


def _lifetime() -> timedelta:
    return timedelta(seconds=settings.TRUSTED_BROWSER_COOKIE_AGE)


def _digest(cookie: str) -> str:
    """Return the digest of the cookie's token; '', which no row has, for a cookie with a wrong or old signature."""
    try:
        return crypto.digest(str(signing.loads(cookie, salt=SALT, max_age=_lifetime())["token"]))
    except (signing.BadSignature, LookupError, TypeError):
        return ""
