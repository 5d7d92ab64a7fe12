"""What nobody may do to an account, whatever they hold."""

from accounts.exceptions import LastSuperuserException, OwnAccountException, SuperusersOnlyException
from accounts.models import User
from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.services import decisions


def ensure_may_touch(actor: User | None, user: User) -> None:
    """Let superusers alone act on superusers. actor: None is the system itself. Raises SuperusersOnlyException."""
    if user.is_superuser and actor is not None and not actor.is_superuser:
        raise SuperusersOnlyException


def ensure_may_redirect(actor: User | None, user: User) -> None:
    """Let an actor give `user` another address only where that opens nothing to them that they do not hold.

    Raises InsufficientPermissionsException, naming what they do not hold.
    """
    if actor is None or actor.is_superuser:
        return
    if missing := sorted(decisions.labels_of(user) - decisions.labels_of(actor)):
        raise InsufficientPermissionsException.missing(*missing)


def taken_for_loss(actor: User | None, pk: int) -> User:
    """The user as the row is now, who is about to lose an account or power; call it first in the transaction.

    Holds the rows of all superusers until the transaction ends, so that of two who remove each other at the same
    moment one comes second and finds that nobody would be left. Raises OwnAccountException, SuperusersOnlyException,
    LastSuperuserException or UserNotFoundException.
    """
    if actor is not None and actor.pk == pk:
        raise OwnAccountException
    superusers = list(User.objects.superusers_held())
    user: User = User.objects.held(pk)
    if actor is not None and actor.is_superuser and actor.pk not in {one.pk for one in superusers}:
        raise SuperusersOnlyException  # no longer one: somebody was faster
    ensure_may_touch(actor, user)
    others = [one for one in superusers if one.pk != pk and one.locked_at is None]
    if user.is_superuser and user.is_active and not others:
        raise LastSuperuserException
    return user
