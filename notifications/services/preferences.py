"""What a person wants to be told. Messages of the kind `security` are always sent."""

from django.core import signing
from django.db import transaction

from accounts.models import User
from notifications.exceptions import UnsubscribeLinkException
from notifications.models import Preference
from notifications.services.links import link
from notifications.states import OPTIONAL_KINDS, Kind

SALT = "notifications.unsubscribe"  # links in old mails go on working: they have no expiry


def wants(user: User, kind: Kind | str) -> bool:
    """Whether `user` is to get messages of this kind."""
    return kind == Kind.SECURITY or not Preference.objects.of(user).refused(kind).exists()


def of(user: User) -> dict[Kind, bool]:
    """Each kind that `user` may switch off, and whether they want it."""
    known = dict(Preference.objects.of(user).values_list("kind", "is_wanted"))
    return {kind: known.get(kind.value, True) for kind in OPTIONAL_KINDS}


def change(*, user: User, wishes: dict[Kind, bool]) -> dict[Kind, bool]:
    """Take over what `user` wants; kinds that are not named stay as they are. Returns what `of` says then."""
    with transaction.atomic():
        for kind, is_wanted in wishes.items():
            Preference.objects.update_or_create(user=user, kind=kind, defaults={"is_wanted": is_wanted})
    return of(user)


def unsubscribe_link(user: User, kind: Kind | str) -> str:
    """The address that switches this kind off without signing in (RFC 8058); '' for what cannot be switched off."""
    if kind == Kind.SECURITY:
        return ""
    return link("unsubscribe", signing.dumps({"user": user.pk, "kind": str(kind)}, salt=SALT, compress=False))


def read_link(token: str) -> tuple[User, Kind]:
    """Whom an unsubscribe link is of, and for what kind. Raises UnsubscribeLinkException."""
    try:
        data = signing.loads(token, salt=SALT)
        return User.objects.get(pk=data["user"]), Kind(data["kind"])
    except (signing.BadSignature, User.DoesNotExist, KeyError, TypeError, ValueError):
        raise UnsubscribeLinkException from None


def unsubscribe(token: str) -> tuple[User, Kind]:
    """Switch off what the link is for; doing it again changes nothing. Raises UnsubscribeLinkException."""
    user, kind = read_link(token)
    change(user=user, wishes={kind: False})
    return user, kind
