"""The first verification of an address removes everything that gave access to the account before.

With ACCOUNTS_EMAIL_VERIFICATION=optional, anybody can register an address that belongs to somebody else, sign in, and
add passkeys, an authenticator app or a phone. Without the removal they would keep access after the owner of the address
confirmed it or chose another password.
"""

from accounts.models import PhoneCode, SecurityEvent, User
from accounts.services import audit
from accounts.services.limits import attempts, lockout
from accounts.services.mfa import methods, resets
from accounts.services.one_time import challenges, tokens
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind, TokenPurpose
from foodfleet.core.http.clients import Client

# These events show that staff or the owner of an earlier address vouched for the account.
VOUCHED_FOR = (EventKind.EMAIL_VERIFIED, EventKind.EMAIL_CHANGED, EventKind.USER_CREATED)


def is_pending(user: User) -> bool:
    """Return whether somebody has signed in although nobody ever confirmed the address or vouched for the account."""
    is_unverified = not user.is_email_verified and user.invited_at is None and user.last_login is not None
    return is_unverified and not SecurityEvent.objects.of(user).filter(kind__in=VOUCHED_FOR).exists()


def remove_earlier_access(user: User, client: Client) -> None:
    """Remove MFA methods, confirmed phone, sessions, known devices, trusted browsers and tokens.

    Call it in the transaction of the verification. The password and the names stay.
    """
    if methods.is_enabled(user):
        audit.record(kind=EventKind.TWO_FACTOR_DISABLED, user=user, client=client)
    methods.remove_all(user)
    resets.cancel(user=user, client=client)
    PhoneCode.objects.filter(user=user).delete()
    if user.phone_verified_at is not None:
        user.phone, user.phone_verified_at = "", None
        user.save(update_fields=["phone", "phone_verified_at"])
    for purpose in TokenPurpose:
        tokens.revoke(user, purpose)
    challenges.revoke_all(user)
    attempts.clear(user)
    sessions.end_all(user, reason=EndReason.PASSWORD_RESET)
    lockout.forget(user.email)
    lockout.forget_devices(user.email)
