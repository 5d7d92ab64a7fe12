"""Which passwords are good enough, how they are kept, compared and replaced."""

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.exceptions import PasswordReusedException, WeakPasswordException
from accounts.models import PasswordHistory, User
from accounts.services import challenges, one_time_tokens
from accounts.services.breaches import BreachList, breach_list
from accounts.states import TokenPurpose

REMEMBERED = 5  # none of the last 5 comes again: the present one, and as many of before as make 5 together
# What somebody who knew the old password may have started, and must not be able to finish.
STARTED_WITH_OLD = (TokenPurpose.RESET_PASSWORD, TokenPurpose.INVITATION, TokenPurpose.CHANGE_EMAIL)


def ensure_strong(password: str, user: User, *, field: str = "password", breaches: BreachList | None = None) -> None:
    """Check the rules of PASSWORD_POLICY for `user`, who may not be saved yet, and the list of breached passwords.

    May ask the network: never call it inside a transaction. Raises WeakPasswordException with one entry for each
    broken rule, under the name `field`.
    """
    try:
        if "\x00" in password:
            raise ValidationError("NUL", code="null_characters_not_allowed")
        validate_password(password, user)
        (breaches or breach_list()).refuse(password)
    except ValidationError as error:
        entries = [{"message": e.messages[0], "code": e.code or "weak_password"} for e in error.error_list]
        raise WeakPasswordException(details={field: entries}) from None


def ensure_new(password: str, user: User, *, field: str = "password") -> None:
    """Refuse the present password and those just before it. Compares hashes: never call it inside a transaction.

    Raises PasswordReusedException.
    """
    before = PasswordHistory.objects.newest(user, REMEMBERED - 1).values_list("password", flat=True)
    if any(check_password(password, encoded) for encoded in [user.password, *before]):
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
    return make_password(password)


def matches(user: User, password: str) -> bool:
    """Whether this is the user's password. Where BCRYPT_ROUNDS has changed since, it is hashed anew with them."""

    def upgrade(raw: str) -> None:
        # Only over the very hash that was compared: another request may have replaced the password meanwhile.
        encoded, row = hashed(raw), User.objects.filter(pk=user.pk)
        if row.filter(password=user.password).update(password=encoded):
            user.password = encoded
            return
        kept = row.values_list("password", flat=True).first()
        if kept and check_password(raw, kept):  # another sign-in hashed it anew at the same moment
            user.password = kept

    return check_password(password, user.password, upgrade)


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
        one_time_tokens.revoke(user, purpose)
    challenges.void(user)


def disable(user: User) -> None:
    """Stop the present password from working; remembered it stays."""
    replace(user, make_password(None))
