"""Somebody who may do everything is always left, and nobody changes an account that may do more than their own."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from foodfleet.core import stamps
from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.exceptions import LastSuperuserException
from rbac.services import decisions

STAMP = "superusers"


def ensure_not_last(user: Any, *, among: models.QuerySet[Any] | None = None) -> None:
    """Refuse what would leave nobody who may do everything; to be called in the transaction that takes it from `user`.

    Two who try at the same moment come one after the other: the second sees what the first has done. among: who counts
    (those who can sign in), active superusers where none are given. Raises LastSuperuserException.
    """
    if not user.is_superuser:
        return
    stamps.lock(STAMP)
    others = get_user_model()._default_manager.filter(is_superuser=True, is_active=True) if among is None else among
    if not others.exclude(pk=user.pk).exists():
        raise LastSuperuserException


def ensure_may_manage(actor: Any, user: Any) -> None:
    """Refuse that `actor` changes the account of somebody who may do more than they: a new address is a new password.

    actor: None for the system itself. Raises InsufficientPermissionsException, naming what the actor lacks.
    """
    if actor is None or actor.pk == user.pk or (actor.is_active and actor.is_superuser):
        return
    if user.is_superuser:
        raise InsufficientPermissionsException.missing("superuser")
    theirs = decisions.access_of(user)
    for scope, labels in {"": theirs.everywhere, **theirs.in_scope}.items():
        if missing := sorted(labels - decisions.labels_of(actor, scope or None)):
            raise InsufficientPermissionsException.missing(*missing)
