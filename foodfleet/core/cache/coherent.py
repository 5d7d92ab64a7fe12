"""Stamps: what changed, known to every process at once, and without SQL where there is a shared cache.

A stamp is a random word for the state of something, such as the roles or one user. Whoever keeps what the database said
keeps with it the stamps from *before* it was read, and uses it again only while they are current. Whoever changes that
something renews its stamp in the same transaction. `current` and `shown` are for what a process keeps in its own
memory, `kept` for what all processes keep together in the shared cache: session and user of an access token.

Where the stamps are:
- In Redis. A stamp that is missing there is made up: nothing that anybody kept carries it, so nothing old counts.
- In the database too, for `current` without Redis, and inside a transaction, which sees its own changes only there.

A reader that read before a change and keeps it after does no harm: what it kept carries the old stamp. And these are
the ways in which an old stamp could seem current, and what is done about each:
- The change commits, and its new stamp is not in Redis yet. Before the commit a mark takes the stamp's place, and who
  meets a mark asks the database. After the commit the new stamp takes the place of the writer's own mark, never of
  another writer's. A writer that dies in between leaves its mark, which runs out and ends in a stamp that nobody had.
- Redis comes back with what it had saved earlier, or another server takes over that is behind. Every stamp that
  `current` tells names the run of the server that it was read from (`run_id`, read in the same round trip), so that
  whatever was kept under another run counts no more.
- The writer cannot reach Redis, and others may. All stamps name an epoch too: the database's, which Redis holds for
  EPOCH_SECONDS at a time, by its own clock. The writer begins another epoch in its transaction and returns only when
  nobody can be shown the old one any more. So even that change holds everywhere when the call that made it returns.

Only two failures together can defeat this: the writer dies between commit and announcement while Redis loses its mark
by a restart. What was kept then ends with LIFETIME in the shared cache, and in a process's memory with the next epoch,
run or renewal, or when the stamp runs out after STAMP_SECONDS.

`current`, `shown` and a warm `kept` cost one round trip; the epoch one SELECT for all processes together
each EPOCH_SECONDS.
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
from foodfleet.core.models import Stamp

LIFETIME = 150  # seconds that `kept` keeps a value at most: its reader may rely on seeing the database again by then
EPOCH_SECONDS = 2.0
CLOCK_MARGIN = 1.1  # two clocks, ours and the cache's, need not run at the very same speed
MARK_SECONDS = 60  # longer than a transaction lasts
STAMP_SECONDS = 3600  # from when it was put: much longer than any value is kept, and nothing is believed for longer
MARK = "~"  # begins a mark, and no stamp
NEVER_RENEWED = "-"
EPOCH = "epoch"
PURPOSE = "shared-cache"  # of the key that signs values in Redis
ROUNDS = 2  # of looking, where the epoch has to be put into Redis first


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

# KEYS: the epoch, the stamps, the kept value. ARGV: how many stamps. Answers the stamps in one line and the kept value;
# this clock and the run where the epoch is missing; nothing where a stamp is marked. A missing stamp is made up.
LOOK = _Script(f"""
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
  local stamp = found[i]
  if not stamp then
    {NOW}
    stamp = redis.sha1hex(run .. KEYS[i] .. t[1] .. '.' .. t[2])
    redis.call('SET', KEYS[i], stamp, 'EX', {STAMP_SECONDS})
  end
  if string.sub(stamp, 1, 1) == '{MARK}' then return {{}} end
  line = line .. run .. '.' .. found[1] .. '.' .. stamp .. ' '
end
return {{line, found[last + 1]}}
""")

# KEYS: the epoch. ARGV: what it is, on which run and when (milliseconds of this clock) the database was asked for it.
HOLD_EPOCH = _Script(f"""
{NOW}
local left = ARGV[3] + {int(EPOCH_SECONDS * 1000)} - now
if ARGV[2] == {RUN_ID} and left > 0 then redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', string.format('%d', left)) end
""")

# KEYS: the stamps. ARGV: the writer's mark, the new stamp.
ANNOUNCE = _Script(f"""
for _, key in ipairs(KEYS) do
  local found = redis.call('GET', key)
  if not found or found == ARGV[1] or string.sub(found, 1, 1) ~= '{MARK}' then
    redis.call('SET', key, ARGV[2], 'EX', {STAMP_SECONDS})
  end
end
""")


def current(*keys: str) -> tuple[str, ...]:
    """The stamps of `keys` as they are now, in that order."""
    sight = None if connection.in_atomic_block else _look(keys)
    return in_database(*keys) if sight is None else tuple(sight.line.decode().split())


def shown(*keys: str) -> tuple[str, ...] | None:
    """The stamps of `keys` as Redis shows them, also inside a transaction; None: ask the database and keep nothing.

    For what is read in transactions too, and costs no SQL there: READ COMMITTED shows each of them what was committed
    last, and SQLite's, which are IMMEDIATE, let nobody else write. One that renewed a stamp itself gets None.
    """
    if connection.in_atomic_block and getattr(_thread, "has_renewed", False):
        return None
    sight = _look(keys)
    return None if sight is None else tuple(sight.line.decode().split())


def in_database(*keys: str) -> tuple[str, ...]:
    """The stamps of `keys` as the database has them: other words than `current` has while there is Redis."""
    known = Stamp.objects.of(keys)
    return tuple(known.get(key, NEVER_RENEWED) for key in keys)


def kept(name: str, keys: Sequence[str], load: Callable[[], Any]) -> Any:
    """The value `name`, a value of JSON: the kept one if no stamp of `keys` was renewed since, else what `load` says.

    What `load` raises is raised, and nothing is kept. Inside a transaction `load` is always asked. Values are signed:
    one that somebody else wrote into Redis, under another name or longer than LIFETIME ago, is read as none.
    """
    sight = None if connection.in_atomic_block else _look(keys, name)
    if sight is None:
        return load()
    line = sight.line
    if sight.value is not None and sight.value.startswith(line):
        known = _opened(name, sight.value, len(line))
        if known is not None:
            return known[0]
    value = load()
    redis = shared.reachable()
    if redis is not None:
        try:
            redis.set(_value_key(name), _signed(name, line, value), ex=LIFETIME)
        except shared.UNREACHABLE:
            shared.lost(used_for="stamps")
    return value


def renew(*keys: str) -> None:
    """Say that what stands behind `keys` changes, in the transaction that changes it."""
    global _local_changes
    _local_changes += 1
    with transaction.atomic():
        Stamp.objects.renew({key: token_hex(12) for key in keys})
        renew_shared(*keys)


def renew_shared(*keys: str) -> None:
    """`renew` for what is only ever `kept` or `shown`, which without Redis needs no stamp: no lock, no SQL."""
    if not settings.REDIS_URL or not keys:
        return
    with transaction.atomic():
        change = getattr(_thread, "change", None)
        if change is None or change.hooks is not connection.run_on_commit:
            # Another list than the one before: of another transaction, or of this one after it took back a part.
            change = _thread.change = _Change(connection.run_on_commit)
        change.mark_keys(keys)
        transaction.on_commit(change.announce)


def lock(key: str) -> None:
    """Wait until nobody else in a transaction holds or renews this stamp, and hold it until the transaction ends."""
    if not Stamp.objects.lock(key):
        Stamp.objects.get_or_create(key=key, defaults={"value": token_hex(12)})
        Stamp.objects.lock(key)


def local_changes() -> int:
    """How often this process renewed a stamp: what a caller holds from before may be old, also inside a transaction."""
    return _local_changes


def purge() -> None:
    """Leave one row of all that epochs were begun with."""
    begun = list(Stamp.objects.starting_with(f"{EPOCH}:").values_list("key", flat=True))
    if len(begun) > 1:
        with transaction.atomic():
            _begin_epoch()
            Stamp.objects.filter(key__in=begun).delete()


@dataclass(frozen=True)
class _Sight:
    """What Redis said: the stamps in one line, each with run and epoch, and the kept value if one was asked for."""

    line: bytes
    value: bytes | None


@dataclass(eq=False)
class _Change:
    """What one transaction renews; hooks: its list of what to do on commit, by which it is known again."""

    hooks: list[Any]
    mark: str = field(default_factory=lambda: MARK + token_hex(8))
    keys: set[str] = field(default_factory=set)
    epoch_begun: bool = False
    announced: bool = False

    def mark_keys(self, keys: Iterable[str]) -> None:
        """Make everybody ask the database about `keys` from now on."""
        new = sorted(set(keys) - self.keys)
        self.keys.update(new)
        _thread.has_renewed = True
        if not new or self.epoch_begun:
            return
        redis = shared.reachable()
        try:
            if redis is not None:
                with redis.pipeline(transaction=False) as pipeline:
                    for key in new:
                        pipeline.set(_stamp_key(key), self.mark, ex=MARK_SECONDS)
                    pipeline.execute()
                return
        except shared.UNREACHABLE:
            shared.lost(used_for="stamps")
        _begin_epoch()
        self.epoch_begun = True

    def announce(self) -> None:
        """After the commit: put the new stamps, or wait until no process believes the old ones any more."""
        if self.announced:
            return
        self.announced = True
        _thread.has_renewed = False
        redis = shared.reachable()
        try:
            if redis is not None:
                ANNOUNCE.run(redis, [_stamp_key(key) for key in sorted(self.keys)], self.mark, token_hex(8))
                return
        except shared.UNREACHABLE:
            shared.lost(used_for="stamps")
        if not self.epoch_begun:
            _begin_epoch()
        sleep(EPOCH_SECONDS * CLOCK_MARGIN)


_thread = local()
_local_changes = 0


def _signed(name: str, line: bytes, value: Any) -> bytes:
    """What Redis keeps of a value: the stamps, an HMAC, and the value with the time."""
    body = json.dumps([value, int(time())]).encode()
    return line + crypto.sign(name.encode() + b" " + line + body, purpose=PURPOSE) + body


def _opened(name: str, kept_value: bytes, line_length: int) -> list[Any] | None:
    """The value and its time of what `_signed` made for this name, if it is not too old; None where it is not that."""
    line, rest = kept_value[:line_length], kept_value[line_length:]
    signature, body = rest[: crypto.SIGNATURE_BYTES], rest[crypto.SIGNATURE_BYTES :]
    if not crypto.is_signed(name.encode() + b" " + line + body, signature, purpose=PURPOSE):
        return None
    known: list[Any] = json.loads(body)
    return known if abs(time() - known[1]) <= LIFETIME else None  # the clocks of two machines may differ


def _look(keys: Sequence[str], name: str | None = None) -> _Sight | None:
    """What Redis says; None where the database has to be asked."""
    if not connection.in_atomic_block:
        _thread.has_renewed = False  # that of a transaction which was rolled back
    redis = shared.reachable()
    if redis is None:
        return None
    names = [shared.key(EPOCH), *map(_stamp_key, keys), *([] if name is None else [_value_key(name)])]
    try:
        for _ in range(ROUNDS):
            match LOOK.run(redis, names, len(keys)):
                case [bytes() as line, value]:
                    return _Sight(line, value)
                case [bytes() as line]:
                    return _Sight(line, None)
                case [int() as moment, run]:
                    HOLD_EPOCH.run(redis, names[:1], _epoch(), run, moment)
                case _:  # a change goes on, or the server does not tell one run from another
                    return None
    except shared.UNREACHABLE:
        shared.lost(used_for="stamps")
    return None


def _begin_epoch() -> None:
    """By a row more, which nobody waits for: a row that all writers change would stop them all one after the other."""
    Stamp.objects.renew({f"{EPOCH}:{token_hex(12)}": token_hex(12)})


def _epoch() -> str:
    begun = sorted(Stamp.objects.starting_with(f"{EPOCH}:").values_list("value", flat=True))
    return sha256(" ".join(begun).encode()).hexdigest()[:16]


def _stamp_key(key: str) -> str:
    return shared.key("stamp", key)


def _value_key(name: str) -> str:
    return shared.key("kept", name)
