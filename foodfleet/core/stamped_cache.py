"""What the database said, kept in the shared cache for as long as nobody changed it.

Each entry belongs to one or more owners, such as `user:12`, and carries the stamps that those had *before* the database
was read. `changed(owner)` gives an owner another stamp, and an entry counts only while all its stamps are current. So:

- A reader that fills the cache with what it read before a change cannot harm: its entry carries the stamp from before.
- Already inside the changing transaction the stamp is put on hold, and the database answers until the new stamp is set
  after the commit. A process that dies in between leaves the hold behind, which ends in a stamp that nobody had.
- A cache that cannot be reached answers nothing: the database does.
- A change that could not reach the cache (others may, at the same time) must not leave an old entry that counts. All
  stamps belong to an epoch, a row of the database that the cache holds for EPOCH_SECONDS at a time: the change begins
  another epoch and waits until nobody can hold the old one any more. The epoch names the cache's own run too, so that a
  cache which comes back from an old dump or as a lagging replica begins anew.

Costs one round trip and no SQL while warm, one SELECT for all processes together each EPOCH_SECONDS.
"""

import json
from collections.abc import Callable, Sequence
from secrets import token_hex
from time import monotonic, sleep
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from foodfleet.core import shared_cache
from foodfleet.core.models import Stamp

logger = structlog.get_logger(__name__)

LIFETIME = 150  # seconds that an entry lasts at most: its reader may rely on seeing the database again by then
EPOCH_SECONDS = 2.0
CLOCK_MARGIN = 1.1  # two clocks, ours and the cache's, need not run at the very same speed
HOLD_SECONDS = 60
STAMP_SECONDS = 3600  # much longer than any entry, so that a stamp seldom runs out under a live one
HOLD = b"hold"
EPOCH = "epoch"
EPOCH_KEY = shared_cache.key(EPOCH)


def get(key: str, owners: Sequence[str], load: Callable[[], Any]) -> Any:
    """The value of `key`, a value of JSON: the kept one if nothing of `owners` changed since, else what `load` says.

    What `load` raises is raised, and nothing is kept.
    """
    redis = shared_cache.reachable()
    if redis is None:
        return load()
    name = shared_cache.key("kept", key)
    try:
        stamps, kept = _read(redis, name, owners)
    except shared_cache.UNREACHABLE:
        shared_cache.lost(used_for="stamped_cache")
        return load()
    if stamps and kept and kept.startswith(stamps):
        return json.loads(kept[len(stamps) :])
    value = load()
    if stamps:
        try:
            redis.set(name, stamps + json.dumps(value).encode(), ex=LIFETIME)
        except shared_cache.UNREACHABLE:
            shared_cache.lost(used_for="stamped_cache")
    return value


def changed(*owners: str) -> None:
    """Make every entry of `owners` useless: at once, and again when the surrounding transaction commits.

    Where the cache cannot be reached it returns EPOCH_SECONDS later: from then on no process trusts an old entry.
    """
    if not settings.REDIS_URL or not owners:
        return
    if not transaction.get_connection().in_atomic_block:
        _announce(owners)
        return
    if not _stamp(owners, hold=True):
        Stamp.objects.renew({EPOCH: _new_stamp()})
    transaction.on_commit(lambda: _announce(owners))


def _announce(owners: Sequence[str]) -> None:
    if not _stamp(owners, hold=False):
        Stamp.objects.renew({EPOCH: _new_stamp()})
        sleep(EPOCH_SECONDS * CLOCK_MARGIN)


def _stamp(owners: Sequence[str], *, hold: bool) -> bool:
    """Give `owners` new stamps, or put them on hold; False where the cache cannot be reached."""
    redis = shared_cache.reachable()
    if redis is None:
        return False
    try:
        with redis.pipeline(transaction=False) as pipeline:
            for owner in owners:
                value, seconds = (HOLD, HOLD_SECONDS) if hold else (_new_stamp(), STAMP_SECONDS)
                pipeline.set(_stamp_key(owner), value, ex=seconds)
            pipeline.execute()
        return True
    except shared_cache.UNREACHABLE:
        shared_cache.lost(used_for="stamped_cache")
        return False


def _read(redis: Any, name: str, owners: Sequence[str]) -> tuple[bytes, bytes | None]:
    """The stamps that an entry must carry to count (b"" where none may), and the entry that is there."""
    names = [EPOCH_KEY, *map(_stamp_key, owners), name]
    *stamps, kept = redis.mget(names)
    if None in stamps:
        _make_missing(redis, names[:-1], stamps)
        *stamps, kept = redis.mget(names)
    if None in stamps or HOLD in stamps:
        return b"", None
    return b" ".join(stamps) + b"\n", kept


def _make_missing(redis: Any, names: Sequence[str], stamps: Sequence[bytes | None]) -> None:
    if stamps[0] is None:
        _renew_epoch(redis)
    for name, stamp in zip(names[1:], stamps[1:], strict=True):
        if stamp is None:
            redis.set(name, _new_stamp(), nx=True, ex=STAMP_SECONDS)


def _renew_epoch(redis: Any) -> None:
    """Hold the database's epoch in the cache, for EPOCH_SECONDS from before it was read."""
    began = monotonic()
    epoch = f"{Stamp.objects.of([EPOCH]).get(EPOCH, '')}.{redis.info('server').get('run_id', '')}"
    left = EPOCH_SECONDS - (monotonic() - began)
    if left > 0:
        redis.set(EPOCH_KEY, epoch, nx=True, px=max(1, int(left * 1000)))


def _new_stamp() -> str:
    return token_hex(8)


def _stamp_key(owner: str) -> str:
    return shared_cache.key("owner", owner)
