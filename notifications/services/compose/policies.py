"""How dependably and how soon each message travels."""

from dataclasses import dataclass
from datetime import timedelta

from notifications.states import Channel, Guarantee, Kind, Priority


@dataclass(frozen=True)
class Policy:
    """What a template chooses for its messages.

    lifetime: a message that cannot be sent within it is cancelled instead of sent late; None: it never is too late.
    """

    priority: Priority = Priority.TRANSACTIONAL
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE
    kind: Kind = Kind.ACCOUNT
    lifetime: timedelta | None = None


SECURITY = Policy(kind=Kind.SECURITY)
# A second text with the same code only worries its reader, and a code that is minutes old is asked for again.
TEXTED_CODE = Policy(Priority.CODE, Guarantee.AT_MOST_ONCE, Kind.SECURITY, timedelta(minutes=5))
MARKETING = Policy(priority=Priority.BULK, kind=Kind.MARKETING)

POLICIES: dict[tuple[Channel, str], Policy] = {
    (Channel.SMS, "2fa_code"): TEXTED_CODE,
    (Channel.SMS, "phone_verification"): TEXTED_CODE,
    # The link lasts 15 minutes; a mail of that age would only disappoint.
    (Channel.EMAIL, "password_reset"): Policy(Priority.CODE, kind=Kind.SECURITY, lifetime=timedelta(minutes=15)),
    (Channel.EMAIL, "verify_email"): Policy(Priority.CODE, kind=Kind.SECURITY, lifetime=timedelta(days=3)),
    (Channel.EMAIL, "email_change_confirm"): Policy(Priority.CODE, kind=Kind.SECURITY, lifetime=timedelta(hours=24)),
    (Channel.EMAIL, "welcome"): Policy(kind=Kind.ACCOUNT),
}


def policy_of(channel: Channel, template: str) -> Policy:
    """What `template` chose, for outbox.py alone: what staff send has no kind or priority of the product's.

    A mail of the product's own that chose nothing is about security: it is always sent.
    """
    return POLICIES.get((channel, template), SECURITY)
