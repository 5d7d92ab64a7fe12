"""What somebody who is signed in has to do before anything else."""

from typing import Any

from accounts.exceptions import PasswordChangeRequiredException, TwoFactorRequiredException
from accounts.models import User
from accounts.services.login import challenge
from rbac.services import decisions


def ensure_none(user: User, view: Any) -> None:
    """Refuse who must choose another password, or whose role demands a second factor that is not set up.

    Views in which one does so say `open_to_obliged = True` and `open_without_second_factor = True`. Raises
    PasswordChangeRequiredException or TwoFactorRequiredException.
    """
    if user.must_change_password and not getattr(view, "open_to_obliged", False):
        raise PasswordChangeRequiredException
    if getattr(view, "open_without_second_factor", False) or not decisions.requires_second_factor(user):
        return
    if not challenge.is_enabled(user):
        raise TwoFactorRequiredException
