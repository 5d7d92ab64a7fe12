"""Validate, hash, verify and replace passwords."""

from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.exceptions import PasswordReusedException, WeakPasswordException
from accounts.models import PasswordHistory, User
from accounts.services.one_time import challenges, tokens
from accounts.services.passwords.breaches import BreachList, breach_list
from accounts.states import TokenPurpose
from foodfleet.core.typed_text import normalize_password

HISTORY_LENGTH = 5  # the last 5 passwords, including the current one, cannot be used again
# Somebody with the old password may have requested these tokens, so a new password revokes them.
REVOKED_PURPOSES = (TokenPurpose.RESET_PASSWORD, TokenPurpose.INVITATION, TokenPurpose.CHANGE_EMAIL)


def ensure_strong(password: str, user: User, *, field: str = "password", breaches: BreachList | None = None) -> None:
    """Check a password against PASSWORD_POLICY and the list of breached passwords. `user` may be unsaved.

    It may use the network: never call it inside a transaction. Raises WeakPasswordException with an entry for each
    broken rule under the name `field`.
    """
    plain = normalize_password(password)
    try:
        if "\x00" in plain:
            raise ValidationError("NUL", code="null_characters_not_allowed")
        validate_password(plain, user)
        (breaches or breach_list()).check(plain)
    except ValidationError as error:
        entries = [{"message": e.messages[0], "code": e.code or "weak_password"} for e in error.error_list]
        raise WeakPasswordException(details={field: entries}) from None


def ensure_new(password: str, user: User, *, field: str = "password") -> None:
    """Raise PasswordReusedException for one of the user's last HISTORY_LENGTH passwords.

    It computes hashes, which is slow: never call it inside a transaction.
    """
    former = PasswordHistory.objects.newest(user, HISTORY_LENGTH - 1).values_list("password", flat=True)
    if any(_is_of(encoded, password) for encoded in [user.password, *former]):
        raise PasswordReusedException.for_field(field, PasswordReusedException.message)


def validated_hash(user: User, password: str, *, field: str = "password") -> str:
    """Validate a new password of `user` with `ensure_strong` and `ensure_new`, and return its hash.

    Hashing is slow: never call it inside a transaction. Raises WeakPasswordException or PasswordReusedException.
    """
    ensure_strong(password, user, field=field)
    ensure_new(password, user, field=field)
    return hash_password(password)


def hash_password(password: str) -> str:
    """Return the password's hash. It takes a quarter of a second: never call it inside a transaction."""
    return make_password(normalize_password(password))


def is_registered_with(user: User, password: str) -> bool:
    """Return whether `user` was registered with this password. Takes as long as `hash_password`."""
    return check_password(normalize_password(password), user.password)


def simulate_mismatch(password: str) -> None:
    """Take as long as `matches` does for a wrong password. For an address without an account."""
    for spelling in _spellings(password):
        make_password(spelling)


def matches(user: User, password: str) -> bool:
    """Return whether this is the user's password.

    The hash is upgraded if BCRYPT_ROUNDS has changed, or if it was made before passwords were normalised: then the
    password matches only as typed.
    """

    def upgrade(raw: str) -> None:
        # Only replaces the hash that was compared, because another request may have changed the password meanwhile.
        encoded, row = hash_password(raw), User.objects.filter(pk=user.pk)
        if row.filter(password=user.password).update(password=encoded):
            user.password = encoded
            return
        current = row.values_list("password", flat=True).first()
        if current and check_password(raw, current):  # a concurrent sign-in upgraded the same password
            user.password = current

    plain, *as_typed = _spellings(password)
    if check_password(plain, user.password, upgrade):
        return True
    if any(check_password(spelling, user.password) for spelling in as_typed):
        upgrade(plain)
        return True
    return False


def _spellings(password: str) -> list[str]:
    """Return the spellings that may have been hashed: normalised and, if it differs, as typed."""
    return list(dict.fromkeys([normalize_password(password), password]))


def _is_of(encoded: str, password: str) -> bool:
    return any(check_password(spelling, encoded) for spelling in _spellings(password))


def replace(user: User, encoded: str) -> None:
    """Set the hash as the user's password and add the old one to the history. Call it in a transaction.

    Revokes the tokens of REVOKED_PURPOSES and the user's challenges. Ends no session.
    """
    if user.has_usable_password():
        PasswordHistory.objects.create(user=user, password=user.password)
        PasswordHistory.objects.keep_newest(user, HISTORY_LENGTH - 1)
    user.password = encoded
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    for purpose in REVOKED_PURPOSES:
        tokens.revoke(user, purpose)
    challenges.revoke_all(user)


def changed_at(user: User) -> datetime | None:
    """Return when the password was last changed; None if never."""
    newest = PasswordHistory.objects.newest(user, 1).first()
    return newest.replaced_at if newest else None


def disable(user: User) -> None:
    """Disable the password; it stays in the history."""
    replace(user, make_password(None))
