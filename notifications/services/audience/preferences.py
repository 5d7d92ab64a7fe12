"""What a person wants to be told. Messages of the kind `security` are always sent.

A user's wishes are rows of their own. Whoever is no user has an address alone: what they declined by the link in a mail
is a suppressed address for that kind of message, and counts for the user that the address may come to belong to.
"""

from dataclasses import dataclass

from django.core import signing
from django.db import transaction

from accounts.models import User
from foodfleet.core import crypto
from notifications.exceptions import UnsubscribeLinkException
from notifications.models import Preference
from notifications.services.audience import suppression
from notifications.services.compose.links import link
from notifications.states import OPTIONAL_KINDS, Channel, Kind, SuppressionReason
from rbac.services import actors

# Links in old mails go on working: they have no expiry.
SALT = "notifications.unsubscribe"
PURPOSE = "unsubscribe"


@dataclass(frozen=True)
class Decliner:
    """Whom an unsubscribe link is of: a user, or an address that is nobody's here."""

    email: str
    user: User | None = None


def wants(user: User, kind: Kind | str) -> bool:
    """Whether `user` is to get messages of this kind."""
    return kind == Kind.SECURITY or of(user)[Kind(kind)]


def of(user: User) -> dict[Kind, bool]:
    """Each kind that `user` may switch off, and whether they want it."""
    known = dict(Preference.objects.of(user).values_list("kind", "is_wanted"))
    declined = {kind for kind, _address in suppression.barred(Channel.EMAIL, [user.email])}
    return {kind: known.get(kind.value, True) and kind.value not in declined for kind in OPTIONAL_KINDS}


def change(*, user: User, wishes: dict[Kind, bool]) -> dict[Kind, bool]:
    """Take over what `user` wants; kinds that are not named stay as they are. Returns what `of` says then.

    Raises UnauthorizedException where the session of the request ended meanwhile.
    """
    with transaction.atomic():
        if user.acting_session is not None:  # a link in a mail works without a session
            actors.ensure_still_may(user)
        for kind, is_wanted in wishes.items():
            Preference.objects.update_or_create(user=user, kind=kind, defaults={"is_wanted": is_wanted})
            if is_wanted:
                suppression.opt_in(address=user.email, kind=kind, by=user)
    return of(user)


def unsubscribe_link(whom: User | str, kind: Kind | str) -> str:
    """The address that switches this kind off without signing in (RFC 8058); '' for what cannot be switched off.

    whom: a user, or the e-mail address of somebody who is none: it can be read neither in the link nor in the logs of
    whom it passes.
    """
    if kind == Kind.SECURITY:
        return ""
    if isinstance(whom, User):
        token = signing.dumps({"user": whom.pk, "kind": str(kind)}, salt=SALT, compress=False)
    else:
        token = crypto.encrypt_json({"email": whom, "kind": str(kind)}, purpose=PURPOSE).rstrip("=")
    return link("unsubscribe", token)


def read_link(token: str) -> tuple[Decliner, Kind]:
    """Whom an unsubscribe link is of, and for what kind. Raises UnsubscribeLinkException."""
    try:
        if ":" in token:
            data = signing.loads(token, salt=SALT)
            user = User.objects.get(pk=data["user"])
            return Decliner(user.email, user), Kind(data["kind"])
        data = crypto.decrypt_json(token + "=" * (-len(token) % 4), purpose=PURPOSE)
        return Decliner(data["email"], User.objects.with_email(data["email"]).first()), Kind(data["kind"])
    except (signing.BadSignature, crypto.DecryptionError, User.DoesNotExist, KeyError, TypeError, ValueError):
        raise UnsubscribeLinkException from None


def unsubscribe(token: str) -> tuple[Decliner, Kind]:
    """Switch off what the link is for; doing it again changes nothing. Raises UnsubscribeLinkException."""
    decliner, kind = read_link(token)
    if decliner.user is not None:
        change(user=decliner.user, wishes={kind: False})
    else:
        reason = SuppressionReason.OPT_OUT
        suppression.suppress(channel=Channel.EMAIL, address=decliner.email, kind=kind, reason=reason)
    return decliner, kind
