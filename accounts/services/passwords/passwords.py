"""Which passwords are good enough, how they are kept, compared and replaced."""

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

REMEMBERED = 5  # none of the last 5 comes again: the present one, and as many of before as make 5 together
# What somebody who knew the old password may have started, and must not be able to finish.
STARTED_WITH_OLD = (TokenPurpose.RESET_PASSWORD, TokenPurpose.INVITATION, TokenPurpose.CHANGE_EMAIL)


def ensure_strong(password: str, user: User, *, field: str = "password", breaches: BreachList | None = None) -> None:
    """Check the rules of PASSWORD_POLICY for `user`, who may not be saved yet, and the list of breached passwords.

    May ask the network: never call it inside a transaction. Raises WeakPasswordException with one entry for each
    broken rule, under the name `field`.
    """
    plain = normalize_password(password)
    try:
        if "\x00" in plain:
            raise ValidationError("NUL", code="null_characters_not_allowed")
        validate_password(plain, user)
        (breaches or breach_list()).refuse(plain)
    except ValidationError as error:
        entries = [{"message": e.messages[0], "code": e.code or "weak_password"} for e in error.error_list]
        raise WeakPasswordException(details={field: entries}) from None


def ensure_new(password: str, user: User, *, field: str = "password") -> None:
    """Refuse the present password and those just before it. Compares hashes: never call it inside a transaction.

    Raises PasswordReusedException.
    """
    before = PasswordHistory.objects.newest(user, REMEMBERED - 1).values_list("password", flat=True)
    if any(_is_of(encoded, password) for encoded in [user.password, *before]):
        raise PasswordReusedException.for_field(field, PasswordReusedException.message)


def validated_hash(user: User, password: str, *, field: str = "password") -> str:
    """The hash of a password that is good enough for `user` and not one of the last 5.

    Takes its time: never call it inside a transaction. Raises WeakPasswordException or PasswordReusedException.
    """
    ensure_strong(password, user, field=field)
    ensure_new(password, user, field=field)
    return hashed(password)


def hashed(password: str) -> str:
    """The password's hash. Takes a quarter of a second: never call it inside a transaction."""
    return make_password(normalize_password(password))


def is_registered_with(user: User, password: str) -> bool:
    """Whether somebody registered `user` with this password. One comparison, which costs what `hashed` does."""
    return check_password(normalize_password(password), user.password)


def compare_with_none(password: str) -> None:
    """Take as long as `matches` takes for a wrong password, where there is no account."""
    for spelling in _spellings(password):
        make_password(spelling)


def matches(user: User, password: str) -> bool:
    """Whether this is the user's password.

    It is hashed anew where BCRYPT_ROUNDS has changed since, or where it was hashed before passwords were normalised:
    then it matches as it was typed, not as it is compared first.
    """

    def upgrade(raw: str) -> None:
        # Only over the very hash that was compared: another request may have replaced the password meanwhile.
        encoded, row = hashed(raw), User.objects.filter(pk=user.pk)
        if row.filter(password=user.password).update(password=encoded):
            user.password = encoded
            return
        kept = row.values_list("password", flat=True).first()
        if kept and check_password(raw, kept):  # another sign-in hashed it anew at the same moment
            user.password = kept

    plain, *as_typed = _spellings(password)
    if check_password(plain, user.password, upgrade):
        return True
    if any(check_password(spelling, user.password) for spelling in as_typed):
        upgrade(plain)
        return True
    return False


def _spellings(password: str) -> list[str]:
    """What a hash may be of: the normalised form and, where it is another, the form as typed."""
    return list(dict.fromkeys([normalize_password(password), password]))


def _is_of(encoded: str, password: str) -> bool:
    return any(check_password(spelling, encoded) for spelling in _spellings(password))


def replace(user: User, encoded: str) -> None:
    """Keep `encoded` as the user's password, remember the old one, and void the links and sign-ins that it started.

    Belongs into the transaction of whoever calls. Ends no session.
    """
    if user.has_usable_password():
        PasswordHistory.objects.create(user=user, password=user.password)
        PasswordHistory.objects.keep_newest(user, REMEMBERED - 1)
    user.password = encoded
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    for purpose in STARTED_WITH_OLD:
        tokens.revoke(user, purpose)
    challenges.revoke_all(user)


def changed_at(user: User) -> datetime | None:
    """When the user last got another password; None where it is the first."""
    newest: PasswordHistory | None = PasswordHistory.objects.newest(user, 1).first()
    return newest.replaced_at if newest else None


def disable(user: User) -> None:
    """Stop the present password from working; remembered it stays."""
    replace(user, make_password(None))
