"""What somebody who is signed in has to do before anything else."""

from typing import Any

from accounts.exceptions import PasswordChangeRequiredException
from accounts.models import User


def ensure_none(user: User, view: Any) -> None:
    """Refuse a user who must choose another password, everywhere but in views that say `open_to_obliged = True`.

    Raises PasswordChangeRequiredException.
    """
    if user.must_change_password and not getattr(view, "open_to_obliged", False):
        raise PasswordChangeRequiredException
