"""Notification preferences. Messages of the kind `security` are always sent.

Users have a row for each changed preference. For an address without an account, an unsubscribe link suppresses that
kind of message; the suppression also applies to a user who gets the address later.
"""

from dataclasses import dataclass

from django.core import signing
from django.db import transaction

from accounts.models import User
from foodfleet.core import crypto
from notifications.exceptions import UnsubscribeLinkException
from notifications.models import Preference
from notifications.services.audience import suppression
from notifications.services.compose.variables import page_link
from notifications.states import OPTIONAL_KINDS, Channel, Kind, SuppressionReason
from rbac.services import actors

# Unsubscribe links do not expire, so that links in old e-mails work.
SALT = "notifications.unsubscribe"
PURPOSE = "unsubscribe"


@dataclass(frozen=True)
class LinkOwner:
    """The owner of an unsubscribe link: a user, or an address without an account."""

    email: str
    user: User | None = None


def of(user: User) -> dict[Kind, bool]:
    """Return each optional kind of message, and whether `user` wants it."""
    known = dict(Preference.objects.of(user).values_list("kind", "is_wanted"))
    unsubscribed = {kind for kind, _address in suppression.find(Channel.EMAIL, [user.email])}
    return {kind: known.get(kind.value, True) and kind.value not in unsubscribed for kind in OPTIONAL_KINDS}


def forget(user: User) -> None:
    """Delete the preferences of a user whose account is deleted."""
    Preference.objects.of(user).delete()


def change(*, user: User, changes: dict[Kind, bool]) -> dict[Kind, bool]:
    """Change the preferences that `changes` names and return all of them.

    Raises UnauthorizedException if the session of the request has ended.
    """
    with transaction.atomic():
        if user.acting_session is not None:  # an unsubscribe link works without a session
            actors.ensure_still_may(user)
        for kind, is_wanted in changes.items():
            Preference.objects.update_or_create(user=user, kind=kind, defaults={"is_wanted": is_wanted})
            if is_wanted:
                suppression.opt_in(address=user.email, kind=kind, by=user)
    return of(user)


def unsubscribe_link(recipient: User | str, kind: Kind | str) -> str:
    """Return the link that unsubscribes from this kind without signing in (RFC 8058); '' for security messages.

    recipient: a user, or an e-mail address without an account. The address is encrypted in the link, because mail
    servers may log the link.
    """
    if kind == Kind.SECURITY:
        return ""
    if isinstance(recipient, User):
        token = signing.dumps({"user": recipient.pk, "kind": str(kind)}, salt=SALT, compress=False)
    else:
        token = crypto.encrypt_json({"email": recipient, "kind": str(kind)}, purpose=PURPOSE).rstrip("=")
    return page_link("unsubscribe", token)


def read_link(token: str) -> tuple[LinkOwner, Kind]:
    """Return the owner and the kind of an unsubscribe link. Raises UnsubscribeLinkException."""
    try:
        if ":" in token:
            data = signing.loads(token, salt=SALT)
            user = User.objects.get(pk=data["user"])
            return LinkOwner(user.email, user), Kind(data["kind"])
        data = crypto.decrypt_json(token + "=" * (-len(token) % 4), purpose=PURPOSE)
        return LinkOwner(data["email"], User.objects.with_email(data["email"]).first()), Kind(data["kind"])
    except (signing.BadSignature, crypto.DecryptionError, User.DoesNotExist, KeyError, TypeError, ValueError):
        raise UnsubscribeLinkException from None


def unsubscribe(token: str) -> tuple[LinkOwner, Kind]:
    """Unsubscribe the owner of the link. Idempotent. Raises UnsubscribeLinkException."""
    owner, kind = read_link(token)
    if owner.user is not None:
        change(user=owner.user, changes={kind: False})
    else:
        reason = SuppressionReason.OPT_OUT
        suppression.suppress(channel=Channel.EMAIL, address=owner.email, kind=kind, reason=reason)
    return owner, kind
