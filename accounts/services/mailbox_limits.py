"""Nobody's mailbox is flooded through us, whoever asks and from however many addresses."""

from enum import Enum

from django.conf import settings

from foodfleet.core import crypto
from foodfleet.core.addresses import normalize_email
from foodfleet.core.counters import admit

MAILS_AN_HOUR = 10  # of one kind, to one address


class MailKind(Enum):
    """What a stranger can have mailed to somebody. Counted apart, so that one cannot use up another."""

    RESET = "reset"
    CONFIRMATION = "confirmation"
    TAKEN = "taken"


def may_mail(email: str, kind: MailKind) -> bool:
    """Count a mail to `email`, whether or not it has an account; False past MAILS_AN_HOUR.

    With THROTTLE_FORGOT switched off always True.
    """
    if settings.THROTTLE_RATES["forgot"] is None:
        return True
    address = crypto.keyed_digest(normalize_email(email), purpose="mails")
    return admit(f"{kind.value}:{address}", limit=MAILS_AN_HOUR, seconds=3600).allowed
