"""Generate the company: all of it or nothing."""

from datetime import timedelta
from random import Random

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from foodfleet.demo import events, messages, places, programs
from foodfleet.demo.people import Company, create_people, sign_in_address
from rbac.permissions import ADMINISTRATOR

OLDEST = timedelta(days=900)


class OthersExistError(Exception):
    """The database has other accounts."""


def create(*, people: int, seed: int) -> bool:
    """Create the company. Returns False if it exists already. Raises OthersExistError."""
    if User.objects.with_email(sign_in_address(ADMINISTRATOR)).exists():
        return False
    others = User.objects.present().filter(is_superuser=False).count()
    if others:
        raise OthersExistError(
            f"There are {others:,} other accounts here. Use an empty database, which may have superusers."
        )
    made = Company(Random(seed), timezone.now())  # noqa: S311  no secret is made of it
    with transaction.atomic():
        places.create(made.now - OLDEST)
        create_people(made, people)
        events.create(made)
        messages.create(made)
        programs.create(made)
    events.lock_out(made)
    return True
