"""Whether a user who is signed in may use a view now, by what the view declares."""

from uuid import UUID

from accounts.exceptions import PasswordChangeRequiredException, TwoFactorRequiredException
from accounts.models import User
from accounts.services.mfa import methods, reauthentication
from foodfleet.core.http.access import Access, Reauthentication, RequiredAction
from rbac.services import decisions


def ensure_no_action_pending(user: User, access: Access) -> None:
    """Refuse a user who has to do something else first; a new password comes before two-factor authentication.

    Raises PasswordChangeRequiredException or TwoFactorRequiredException.
    """
    if user.must_change_password and RequiredAction.PASSWORD_CHANGE not in access.while_pending:
        raise PasswordChangeRequiredException
    if RequiredAction.MFA_ENROLMENT in access.while_pending or not decisions.requires_mfa(user):
        return
    if user.is_service_account:  # a program cannot have MFA; whoever makes its keys has passed it
        return
    if not methods.is_enabled(user):
        raise TwoFactorRequiredException


def ensure_reauthenticated(user: User, session_id: UUID, access: Access, method: str) -> None:
    """Raise ReauthenticationRequiredException where the view requires re-authentication and the session has none.

    session_id: also the id of an API key, with which nobody re-authenticates.
    """
    when = access.reauthentication.get("GET" if method == "HEAD" else method)
    if when is Reauthentication.ALWAYS or (when is not None and user.is_service_account):
        reauthentication.require(session_id)
    elif when is Reauthentication.WITH_MFA:
        reauthentication.require_if_mfa_enabled(user=user, session_id=session_id)
