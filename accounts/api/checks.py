"""What has to be there before anybody can sign in."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from accounts.services import keys

TAG = "keys"


def check_signing_key(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Whether there is a key to sign tokens with. A database that cannot be reached is another matter.

    databases: which ones the command is about: none for `check`, one for `migrate`, which must come before any key.
    """
    if databases:
        return []
    try:
        keys.ensure_signing_key()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="accounts.E001")]
    except OperationalError:
        pass
    return []
