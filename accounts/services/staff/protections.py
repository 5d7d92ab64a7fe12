"""Who may act on which account: the actor's permissions are read again, and users with more power are protected."""

from accounts.exceptions import LastSuperuserException, OwnAccountException, UserNotFoundException
from accounts.models import User
from rbac.services import actors, limits


def find(pk: int) -> User:
    """Return the user with this id. Raises UserNotFoundException, also for a deleted user."""
    user: User | None = User.objects.present().filter(pk=pk).first()
    if user is None:
        raise UserNotFoundException
    return user


def lock_parties(actor: User | None, pk: int, *codenames: str, scoped: str = "") -> tuple[User | None, User]:
    """Lock and return the current rows of `actor` and of the user whom they act on.

    Call it first in the transaction. actor: None for the system itself. codenames: permissions that the actor must have
    now. scoped: a permission that the actor must have everywhere or in a scope of the user. Raises
    UserNotFoundException, UnauthorizedException if the actor's account or session was closed,
    InsufficientPermissionsException if a permission is missing or the user has more power than the actor,
    SuperusersOnlyException, and the exceptions of `limits.ensure_reaches`.
    """
    find(pk)
    return _checked(actors.lock_actor(actor, *codenames, with_users=[pk]), pk, scoped)


def lock_parties_for_loss(actor: User | None, pk: int, *codenames: str, scoped: str = "") -> tuple[User | None, User]:
    """Lock the parties as `lock_parties` does, for changes that remove an account or power.

    It locks all superusers too, so that two who remove each other at the same time cannot both succeed. Also raises
    OwnAccountException and LastSuperuserException.
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
