"""Checks that a view declares for signed-in users: required actions and re-authentication."""

from uuid import UUID

from accounts.exceptions import PasswordChangeRequiredException, TwoFactorRequiredException
from accounts.models import User
from accounts.services.mfa import methods, reauthentication
from foodfleet.core.http.access import Access, Reauthentication, RequiredAction
from rbac.services import decisions


def ensure_no_action_pending(user: User, access: Access) -> None:
    """Raise PasswordChangeRequiredException or TwoFactorRequiredException if a required action is pending.

    The password change comes first. Views that are open during a required action (`access.while_pending`) pass.
    """
    if user.must_change_password and RequiredAction.PASSWORD_CHANGE not in access.while_pending:
        raise PasswordChangeRequiredException
    if RequiredAction.MFA_ENROLMENT in access.while_pending or not decisions.requires_mfa(user):
        return
    if user.is_service_account:  # a program cannot pass MFA; the person who created its key has
        return
    if not methods.is_enabled(user):
        raise TwoFactorRequiredException


def ensure_reauthenticated(user: User, session_id: UUID, access: Access, method: str) -> None:
    """Raise ReauthenticationRequiredException if the view requires re-authentication and the session has none.

    session_id: of a session or an API key; a request with an API key is never re-authenticated.
    """
    when = access.reauthentication.get("GET" if method == "HEAD" else method)
    if when is Reauthentication.ALWAYS or (when is not None and user.is_service_account):
        reauthentication.require(session_id)
    elif when is Reauthentication.WITH_MFA:
        reauthentication.require_if_mfa_enabled(user=user, session_id=session_id)
