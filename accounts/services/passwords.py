"""Which passwords are good enough, and how they become hashes."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.exceptions import WeakPasswordException
from accounts.models import User


def ensure_strong(password: str, user: User, *, field: str = "password") -> None:
    """Check the rules of PASSWORD_POLICY for `user`, who may not be saved yet.

    Raises WeakPasswordException with one entry for each broken rule, under the name `field`.
    """
    try:
        if "\x00" in password:
            raise ValidationError("NUL", code="null_characters_not_allowed")
        validate_password(password, user)
    except ValidationError as error:
        entries = [{"message": e.messages[0], "code": e.code or "weak_password"} for e in error.error_list]
        raise WeakPasswordException(details={field: entries}) from None


def hashed(password: str) -> str:
    """The password's hash. Takes a quarter of a second: never call it inside a transaction."""
    return make_password(password)
