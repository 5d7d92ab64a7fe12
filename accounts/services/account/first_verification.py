"""The first proof that an address is its owner's: what somebody set up in the account before it is removed.

With ACCOUNTS_EMAIL_VERIFICATION=optional whoever registers an address signs in before anybody read its mail, and may
add passkeys, an app or a phone. Without this they would keep a way in after the owner confirmed the address or chose
another password.
"""

from accounts.models import PhoneCode, SecurityEvent, User
from accounts.services import audit
from accounts.services.limits import attempts, lockout
from accounts.services.mfa import methods, resets
from accounts.services.one_time import challenges, tokens
from accounts.services.sessions import sessions
from accounts.states import EndReason, EventKind, TokenPurpose
from foodfleet.core.http.clients import Client

# After one of these somebody vouched for the account: staff, or whoever read the mail of an earlier address.
VOUCHED_FOR = (EventKind.EMAIL_VERIFIED, EventKind.EMAIL_CHANGED, EventKind.USER_CREATED)


def is_missing(user: User) -> bool:
    """Whether the account was used though nobody ever proved its address or vouched for it."""
    unproven = not user.is_email_verified and user.invited_at is None and user.last_login is not None
    return unproven and not SecurityEvent.objects.of(user).filter(kind__in=VOUCHED_FOR).exists()


def remove_earlier(user: User, client: Client) -> None:
    """Remove second factors, confirmed phone, sessions, known devices, remembered browsers and links of before.

    Belongs into the transaction of the proof. The password and names stay.
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
