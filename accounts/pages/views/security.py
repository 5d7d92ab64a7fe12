"""The security page: password, MFA, passkeys, trusted browsers, recent activity."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.exceptions import EmailNotVerifiedException
from accounts.models import SecurityEvent, TrustedBrowser
from accounts.pages.forms.passwords import ChangePasswordForm
from accounts.pages.views.base import ActionPage, SignedInFormPage
from accounts.services import audit
from accounts.services.mfa import methods as mfa_methods
from accounts.services.mfa import passkeys, resets, trusted_browsers
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.states import EventKind, Method
from foodfleet.core.http.access import DURING_REQUIRED_ACTIONS, viewable
from foodfleet.core.http.clients import describe_user_agent
from rbac.services import decisions

MAX_EVENTS = 20
MISTAKES = {EventKind.SIGN_IN_FAILED, EventKind.TWO_FACTOR_FAILED}
NOTABLE = {
    EventKind.SIGN_IN_FAILED,
    EventKind.TOKEN_REUSED,
    EventKind.TWO_FACTOR_FAILED,
    EventKind.TWO_FACTOR_BLOCKED,
    EventKind.PASSKEY_COPIED,
    EventKind.COMPROMISE_REPORTED,
    EventKind.TWO_FACTOR_RESET_REQUESTED,
    EventKind.TWO_FACTOR_RESET_APPROVED,
}


@dataclass(frozen=True)
class BrowserRow:
    """A trusted browser in the page's list."""

    id: int
    device: str
    ip: str | None
    created_at: datetime
    expires_at: datetime
    current: bool


@dataclass(frozen=True)
class EventRow:
    """A security event in the page's list."""

    label: str
    created_at: datetime
    device: str
    ip: str | None
    notable: bool


@viewable
class SecurityPage(SignedInFormPage):
    """The security settings of the account and its recent activity."""

    access = DURING_REQUIRED_ACTIONS
    template_name = "accounts/security.html"
    form_class = ChangePasswordForm
    returns_to = "account_security"
    http_method_names = ["get", "head", "options"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        user, methods = self.user, mfa_methods.methods_of(self.user)
        browsers = [self._browser_row(known) for known in trusted_browsers.live(user)]
        known = sessions.known_clients(user)
        newest = audit.of_user(user).order_by("-created_at")[:MAX_EVENTS]
        events = [_event_row(event, is_known=(event.ip, event.user_agent) in known) for event in newest]
        return {
            **context,
            "password_form": context["form"],
            "two_factor_enabled": bool(methods),
            "app_is_on": Method.TOTP in methods,
            "two_factor_required": decisions.requires_mfa(user),
            "backup_codes_remaining": mfa_methods.backup_codes_left(user),
            "passkeys": passkeys.passkeys_of(user),
            "reset": resets.approved_for(user),
            "password_changed_at": passwords.changed_at(user),
            "browsers": browsers,
            "events": events,
        }

    def _browser_row(self, known: TrustedBrowser) -> BrowserRow:
        current = trusted_browsers.is_current(known, self.client)
        return BrowserRow(
            known.pk, describe_user_agent(known.user_agent), known.ip, known.created_at, known.expires_at, current
        )


def _event_row(event: SecurityEvent, *, is_known: bool) -> EventRow:
    """Return the row of an event.

    is_known: the user has signed in from its IP address and browser. A failure from there is most likely a mistake of
    the user, and not notable.
    """
    is_new_device = bool(event.details.get("new_device"))
    label = _("Signed in on a new device") if is_new_device else event.get_kind_display()
    was_password_correct = event.details.get("reason") == EmailNotVerifiedException.code
    is_own_mistake = event.kind in MISTAKES and (is_known or was_password_correct)
    notable = is_new_device or (event.kind in NOTABLE and not is_own_mistake)
    return EventRow(label, event.created_at, describe_user_agent(event.user_agent), event.ip, notable)


class StopResetPage(ActionPage):
    """Cancel an MFA reset that staff requested."""

    def act(self, **kwargs: Any) -> str:
        resets.cancel(user=self.user, client=self.client)
        return _("The reset is cancelled. Your two-factor authentication hasn't changed.")


class ForgetBrowserPage(ActionPage):
    """Require MFA from a trusted browser again."""

    def act(self, **kwargs: Any) -> str:
        trusted_browsers.forget(user=self.user, browser_id=kwargs["id"], client=self.client)
        return _("Removed. That browser will be asked for two-factor authentication again.")
