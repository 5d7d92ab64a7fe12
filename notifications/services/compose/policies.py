"""Priority, guarantee, kind and lifetime of each message."""

from dataclasses import dataclass
from datetime import timedelta

from notifications.states import Channel, Guarantee, Kind, Priority


@dataclass(frozen=True)
class Policy:
    """How the messages of a template are sent.

    lifetime: a message that was not sent within this time is cancelled; None: no limit.
    """

    priority: Priority = Priority.TRANSACTIONAL
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE
    kind: Kind = Kind.ACCOUNT
    lifetime: timedelta | None = None


SECURITY = Policy(kind=Kind.SECURITY)
# A second SMS with the same code would alarm its reader, and a user whose code does not arrive requests another.
SMS_CODE = Policy(Priority.CODE, Guarantee.AT_MOST_ONCE, Kind.SECURITY, timedelta(minutes=5))
MARKETING = Policy(priority=Priority.BULK, kind=Kind.MARKETING)

POLICIES: dict[tuple[Channel, str], Policy] = {
    (Channel.SMS, "2fa_code"): SMS_CODE,
    (Channel.SMS, "phone_verification"): SMS_CODE,
    # The link is valid for 15 minutes.
    (Channel.EMAIL, "password_reset"): Policy(Priority.CODE, kind=Kind.SECURITY, lifetime=timedelta(minutes=15)),
    (Channel.EMAIL, "verify_email"): Policy(Priority.CODE, kind=Kind.SECURITY, lifetime=timedelta(days=3)),
    (Channel.EMAIL, "email_change_confirm"): Policy(Priority.CODE, kind=Kind.SECURITY, lifetime=timedelta(hours=24)),
    (Channel.EMAIL, "welcome"): Policy(kind=Kind.ACCOUNT),
}


def policy_of(channel: Channel, template: str) -> Policy:
    """Return the policy of one of the product's messages; SECURITY, which is always sent, if it has no entry.

    Only outbox.py calls this. Messages that staff send have the kind that staff choose.
    """
    return POLICIES.get((channel, template), SECURITY)
