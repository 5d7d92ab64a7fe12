"""Who may act on which account: permissions are checked again, and nobody acts on users with more power."""

from accounts.exceptions import LastSuperuserException, OwnAccountException, UserNotFoundException
from accounts.models import User
from rbac.services import actors, limits


def find(pk: int) -> User:
    """The user with this id. Raises UserNotFoundException, also for a deleted user."""
    user: User | None = User.objects.present().filter(pk=pk).first()
    if user is None:
        raise UserNotFoundException
    return user


def lock_parties(actor: User | None, pk: int, *codenames: str, scoped: str = "") -> tuple[User | None, User]:
    """Lock and return the current rows of `actor` and of the user whom they act on.

    Call it first in the transaction. actor None is the system itself. codenames: what the actor must have now.
    scoped: one that they must have everywhere or in a scope of the user. Raises UserNotFoundException,
    UnauthorizedException if the actor's account or session was closed, InsufficientPermissionsException if a permission
    is missing or the user has more power than the actor, SuperusersOnlyException, and as `limits.ensure_reaches`.
    """
    find(pk)
    return _checked(actors.lock_actor(actor, *codenames, with_users=[pk]), pk, scoped)


def lock_parties_for_loss(actor: User | None, pk: int, *codenames: str, scoped: str = "") -> tuple[User | None, User]:
    """`lock_parties` for changes that take an account or power away.

    It locks all superusers too: of two who remove each other at the same time the second finds that nobody would be
    left. Raises OwnAccountException and LastSuperuserException too.
    """
    find(pk)
    if actor is not None and actor.pk == pk:
        _checked(actors.lock_actor(actor, *codenames), pk, scoped)
        raise OwnAccountException
    superusers = User.objects.superusers().values_list("pk", flat=True)
    current, user = _checked(actors.lock_actor(actor, *codenames, with_users=[pk, *superusers]), pk, scoped)
    others = User.objects.superusers().filter(locked_at__isnull=True).exclude(pk=pk)
    if user.is_superuser and user.is_active and not others.exists():
        raise LastSuperuserException
    return current, user


def _checked(actor: User | None, pk: int, scoped: str) -> tuple[User | None, User]:
    user: User = User.objects.get_for_update(pk)
    if user.deleted_at is not None:
        raise UserNotFoundException
    if scoped:
        limits.ensure_reaches(actor, user, scoped)
    limits.ensure_may_act_on(actor, user)
    return actor, user
