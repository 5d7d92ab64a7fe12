"""Version stamps: what changed, known to every process.

Whoever keeps something in memory that comes from the database keeps the stamp that it read *before* reading it, and
asks whether the stamp is still the same before using it again. Whoever changes it renews the stamp in the same
transaction. A stamp is random, so one that was rolled back never comes again.
"""

from secrets import token_hex

from django.db import transaction

from foodfleet.core.models import Stamp

_local_changes = 0


def current(*keys: str) -> tuple[str, ...]:
    """The stamps of `keys` as they are now, in that order."""
    known = Stamp.objects.of(keys)
    return tuple(known.get(key, "") for key in keys)


def renew(*keys: str) -> None:
    """Say that what stands behind `keys` changes, in the transaction that changes it."""
    global _local_changes
    _local_changes += 1
    with transaction.atomic():
        Stamp.objects.renew({key: token_hex(12) for key in keys})


def lock(key: str) -> None:
    """Wait until nobody else in a transaction holds or renews this stamp, and hold it until the transaction ends."""
    if not Stamp.objects.lock(key):
        Stamp.objects.get_or_create(key=key, defaults={"value": ""})
        Stamp.objects.lock(key)


def local_changes() -> int:
    """How often this process renewed a stamp: what a caller holds from before may be old, also inside a transaction."""
    return _local_changes
