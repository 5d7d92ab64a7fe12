"""Who is signed in shows once more that they know the password."""

from accounts.exceptions import InvalidCredentialsException
from accounts.models import User
from accounts.services.limits import lockout
from accounts.services.passwords import passwords
from foodfleet.core.http.clients import Client


def confirm_password(*, user: User, password: str, client: Client) -> None:
    """Compare the password; wrong ones count towards the lock as at sign-in, so that a stolen session guesses no more.

    Never call it inside a transaction. Raises InvalidCredentialsException or AccountLockedException.
    """
    attempt = lockout.reserve_attempt(email=user.email, client=client)
    if not passwords.matches(user, password):
        lockout.failed(attempt, user=user, client=client)
        lockout.log_failure(email=user.email, reason=InvalidCredentialsException.code, attempts=attempt.tries)
        raise InvalidCredentialsException
    lockout.forget(user.email, client)
