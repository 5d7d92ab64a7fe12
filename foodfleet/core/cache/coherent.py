"""Cache versions: invalidate what processes remember, everywhere at once, without SQL where there is Redis.

A cache version is a random string for the state of something, such as the roles or one user. A reader stores with a
cached value the versions that it read *before* it read the database, and uses the value only while they are current.
A writer replaces the version in the transaction that changes the data. `current_versions` and `shared_versions` serve
caches in a process's own memory, `cached` the values that all processes share in Redis.

Where versions are stored:
- In Redis. A version that is missing there is generated: no cached value refers to it, so nothing old is accepted.
- In the database too, for `current_versions` without Redis and inside a transaction, which sees its own changes only
  there.

A reader that loads before a change and stores after it does no harm: the value carries the old version. An old version
could still look current in three cases:
- The change is committed and its new version is not in Redis yet. So before the commit a marker replaces the version,
  and a reader that finds a marker asks the database. After the commit the new version replaces the writer's own marker,
  never another writer's. The marker of a writer that dies expires, and the next version is one that nobody had.
- Redis restarts from an older snapshot, or a replica that lags takes over. So every version that `current_versions`
  returns names the run of the server that it was read from (`run_id`, read in the same round trip).
- The writer cannot reach Redis, and others can. So versions also name a lease: an identifier from the database that
  Redis keeps for LEASE_SECONDS at a time, by its own clock. The writer starts another lease in its transaction and
  returns only when no reader can still use the old one.

Only two failures together defeat this: the writer dies between commit and announcement while Redis loses the marker
by a restart. A shared value then ends with LIFETIME, and one in a process's memory with the next lease, run or
invalidation, or when the version expires after VERSION_SECONDS.

`current_versions`, `shared_versions` and a warm `cached` cost one round trip; the lease one SELECT for all processes
together each LEASE_SECONDS.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from secrets import token_hex
from threading import local
from time import sleep, time
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from redis.exceptions import NoScriptError

from foodfleet.core import crypto
from foodfleet.core.cache import shared
from foodfleet.core.models import CacheVersion

LIFETIME = 150  # seconds that a `cached` value lives at most; callers may rely on it
LEASE_SECONDS = 2.0
CLOCK_MARGIN = 1.1  # our clock and that of Redis may run at different speeds
MARKER_SECONDS = 60  # longer than a transaction lasts
VERSION_SECONDS = 3600  # much longer than any cached value lives
MARKER = "~"  # first character of a marker, and of no version
NEVER_CHANGED = "-"
LEASE = "lease"
PURPOSE = "shared-cache"  # of the key that signs values in Redis
ATTEMPTS = 2  # the first one may have to store the lease in Redis


class _Script:
    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, redis: Any, keys: Sequence[str], *arguments: object) -> Any:
        try:
            return redis.evalsha(self.digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return redis.eval(self.text, len(keys), *keys, *arguments)


RUN_ID = "(string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '')"  # a proxy may hide it
NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)"

# KEYS: the lease, the versions, the cached value. ARGV: the number of versions. Returns the versions in one line and
# the cached value; Redis' clock and run where the lease is missing; nothing where a marker replaces a version.
# Generates versions that are missing.
READ = _Script(f"""
local run = {RUN_ID}
local found = redis.call('MGET', unpack(KEYS))
if run == '' then return {{}} end
if not found[1] then
  {NOW}
  return {{now, run}}
end
local line = ''
local last = 1 + ARGV[1]
for i = 2, last do
  local version = found[i]
  if not version then
    {NOW}
    version = redis.sha1hex(run .. KEYS[i] .. t[1] .. '.' .. t[2])
    redis.call('SET', KEYS[i], version, 'EX', {VERSION_SECONDS})
  end
  if string.sub(version, 1, 1) == '{MARKER}' then return {{}} end
  line = line .. run .. '.' .. found[1] .. '.' .. version .. ' '
end
return {{line, found[last + 1]}}
""")

# KEYS: the lease. ARGV: its value, and the run and time (milliseconds of Redis' clock) at which the database was read.
STORE_LEASE = _Script(f"""
{NOW}
local left = ARGV[3] + {int(LEASE_SECONDS * 1000)} - now
if ARGV[2] == {RUN_ID} and left > 0 then redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', string.format('%d', left)) end
""")

# KEYS: the versions. ARGV: the writer's marker, the new version.
ANNOUNCE = _Script(f"""
for _, key in ipairs(KEYS) do
  local found = redis.call('GET', key)
  if not found or found == ARGV[1] or string.sub(found, 1, 1) ~= '{MARKER}' then
    redis.call('SET', key, ARGV[2], 'EX', {VERSION_SECONDS})
  end
end
""")


def current_versions(*keys: str) -> tuple[str, ...]:
    """Return the current versions of `keys`, in that order."""
    reading = None if connection.in_atomic_block else _read(keys)
    return stored_versions(*keys) if reading is None else tuple(reading.line.decode().split())


def shared_versions(*keys: str) -> tuple[str, ...] | None:
    """Return the versions of `keys` from Redis, inside transactions too; None: read the database and cache nothing.

    Safe in a transaction, and without SQL: READ COMMITTED shows it what was committed last, and an IMMEDIATE
    transaction of SQLite excludes other writers. A transaction that invalidated something itself gets None.
    """
    if connection.in_atomic_block and getattr(_thread, "has_invalidated", False):
        return None
    reading = _read(keys)
    return None if reading is None else tuple(reading.line.decode().split())


def stored_versions(*keys: str) -> tuple[str, ...]:
    """Return the versions of `keys` from the database; these differ from those that Redis has."""
    stored = CacheVersion.objects.of(keys)
    return tuple(stored.get(key, NEVER_CHANGED) for key in keys)


def cached(name: str, keys: Sequence[str], load: Callable[[], Any]) -> Any:
    """Return the JSON value `name` from Redis if none of `keys` was invalidated since it was stored, else `load()`.

    An exception of `load` is passed on, and nothing is stored. Inside a transaction `load` is always called. Values are
    signed: one that was written by another program, for another name or longer than LIFETIME ago, is ignored.
    """
    reading = None if connection.in_atomic_block else _read(keys, name)
    if reading is None:
        return load()
    line = reading.line
    if reading.value is not None and reading.value.startswith(line):
        stored = _verified(name, reading.value, len(line))
        if stored is not None:
            return stored[0]
    value = load()
    redis = shared.reachable()
    if redis is not None:
        try:
            redis.set(_value_key(name), _signed(name, line, value), ex=LIFETIME)
        except shared.UNREACHABLE:
            shared.lost(used_for="cache_versions")
    return value


def invalidate(*keys: str) -> None:
    """Invalidate every cached value that depends on `keys`, in the transaction that changes the data."""
    global _local_invalidations
    _local_invalidations += 1
    with transaction.atomic():
        CacheVersion.objects.replace({key: token_hex(12) for key in keys})
        invalidate_shared(*keys)


def invalidate_shared(*keys: str) -> None:
    """`invalidate` for keys of `cached` and `shared_versions` alone: without Redis these need neither lock nor SQL."""
    if not settings.REDIS_URL or not keys:
        return
    with transaction.atomic():
        change = getattr(_thread, "change", None)
        if change is None or change.hooks is not connection.run_on_commit:
            # Another list than before: another transaction, or this one after it rolled back to a savepoint.
            change = _thread.change = _Change(connection.run_on_commit)
        change.mark(keys)
        transaction.on_commit(change.announce)


def lock(key: str) -> None:
    """Lock this version for the rest of the transaction, after waiting for others who lock or replace it."""
    if not CacheVersion.objects.lock(key):
        CacheVersion.objects.get_or_create(key=key, defaults={"value": token_hex(12)})
        CacheVersion.objects.lock(key)


def local_invalidations() -> int:
    """Return how often this process invalidated something: a caller that remembers values compares it."""
    return _local_invalidations


def purge() -> None:
    """Replace the rows of all leases by one."""
    leases = list(CacheVersion.objects.starting_with(f"{LEASE}:").values_list("key", flat=True))
    if len(leases) > 1:
        with transaction.atomic():
            _begin_lease()
            CacheVersion.objects.filter(key__in=leases).delete()


@dataclass(frozen=True)
class _Reading:
    """What Redis returned: the versions in one line, each with run and lease, and the cached value if requested."""

    line: bytes
    value: bytes | None


@dataclass(eq=False)
class _Change:
    """What one transaction invalidates. hooks: its list of on_commit functions, which identifies the transaction."""

    hooks: list[Any]
    marker: str = field(default_factory=lambda: MARKER + token_hex(8))
    keys: set[str] = field(default_factory=set)
    lease_begun: bool = False
    announced: bool = False

    def mark(self, keys: Iterable[str]) -> None:
        """Send every reader of `keys` to the database from now on."""
        new = sorted(set(keys) - self.keys)
        self.keys.update(new)
        _thread.has_invalidated = True
        if not new or self.lease_begun:
            return
        redis = shared.reachable()
        try:
            if redis is not None:
                with redis.pipeline(transaction=False) as pipeline:
                    for key in new:
                        pipeline.set(_version_key(key), self.marker, ex=MARKER_SECONDS)
                    pipeline.execute()
                return
        except shared.UNREACHABLE:
            shared.lost(used_for="cache_versions")
        _begin_lease()
        self.lease_begun = True

    def announce(self) -> None:
        """After the commit: store the new versions, or wait until no process can use the old ones."""
        if self.announced:
            return
        self.announced = True
        _thread.has_invalidated = False
        redis = shared.reachable()
        try:
            if redis is not None:
                ANNOUNCE.run(redis, [_version_key(key) for key in sorted(self.keys)], self.marker, token_hex(8))
                return
        except shared.UNREACHABLE:
            shared.lost(used_for="cache_versions")
        if not self.lease_begun:
            _begin_lease()
        sleep(LEASE_SECONDS * CLOCK_MARGIN)


_thread = local()
_local_invalidations = 0


def _signed(name: str, line: bytes, value: Any) -> bytes:
    """Return what is stored in Redis: the versions, an HMAC, and the value with the time."""
    body = json.dumps([value, int(time())]).encode()
    return line + crypto.sign(name.encode() + b" " + line + body, purpose=PURPOSE) + body


def _verified(name: str, stored: bytes, line_length: int) -> list[Any] | None:
    """Return value and time of what `_signed` made for this name; None where it is anything else or too old."""
    line, rest = stored[:line_length], stored[line_length:]
    signature, body = rest[: crypto.SIGNATURE_BYTES], rest[crypto.SIGNATURE_BYTES :]
    if not crypto.is_signed(name.encode() + b" " + line + body, signature, purpose=PURPOSE):
        return None
    content: list[Any] = json.loads(body)
    return content if abs(time() - content[1]) <= LIFETIME else None  # the clocks of two machines may differ


def _read(keys: Sequence[str], name: str | None = None) -> _Reading | None:
    """Read Redis; None where the database has to be read instead."""
    if not connection.in_atomic_block:
        _thread.has_invalidated = False  # left by a transaction that was rolled back
    redis = shared.reachable()
    if redis is None:
        return None
    names = [shared.key(LEASE), *map(_version_key, keys), *([] if name is None else [_value_key(name)])]
    try:
        for _ in range(ATTEMPTS):
            match READ.run(redis, names, len(keys)):
                case [bytes() as line, value]:
                    return _Reading(line, value)
                case [bytes() as line]:
                    return _Reading(line, None)
                case [int() as now, run]:
                    STORE_LEASE.run(redis, names[:1], _lease(), run, now)
                case _:  # a change is in progress, or the server hides its run
                    return None
    except shared.UNREACHABLE:
        shared.lost(used_for="cache_versions")
    return None


def _begin_lease() -> None:
    """Insert a row: writers that all updated one row would wait for each other."""
    CacheVersion.objects.replace({f"{LEASE}:{token_hex(12)}": token_hex(12)})


def _lease() -> str:
    leases = sorted(CacheVersion.objects.starting_with(f"{LEASE}:").values_list("value", flat=True))
    return sha256(" ".join(leases).encode()).hexdigest()[:16]


def _version_key(key: str) -> str:
    return shared.key("version", key)


def _value_key(name: str) -> str:
    return shared.key("cached", name)
