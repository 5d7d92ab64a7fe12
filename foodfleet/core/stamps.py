"""Version stamps: what changed, known to every process at once, and without SQL where there is a shared cache.

Whoever keeps something in memory that comes from the database keeps the stamp that it read *before* reading it, and
asks whether the stamp is still the same before using it again. Whoever changes it renews the stamp in the same
transaction. A stamp is random, so one that was rolled back never comes again.

The row in the database is the truth; without Redis, or inside a transaction, it is what `current` reads. In Redis
stands a copy, and these are the ways in which a copy could be older than its row, and what is done about each:
- Somebody changes it just now: a mark stands in Redis from before the commit until after it, and who sees a mark reads
  the row. A writer that dies in between leaves the mark, which ends by itself after MARK_SECONDS.
- A slow reader puts back what it read before a change: it claims the empty place first, and puts down its copy only if
  its claim still stands. A mark takes the place of a claim.
- Redis starts again with what it had saved earlier, or another one takes over that is behind: all is done by a script
  whose text names the generation of the copies, and a Redis server forgets scripts when it stops. Who meets a server
  that does not know the script begins a new generation, whose copies nobody has.
- A change is made while Redis is away: it begins a new generation in its own transaction. Who lost Redis, or has not
  asked for LEASE seconds, reads the generation's row again before trusting any copy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha1
from secrets import token_hex
from time import monotonic
from typing import Any

import structlog
from django.db import connection, transaction
from redis.exceptions import NoScriptError

from foodfleet.core import shared_cache
from foodfleet.core.models import Stamp

logger = structlog.get_logger(__name__)

GENERATION = "stamps"  # the key of the row that says whose copies count
NEVER_CHANGED = "-"
MARK, CLAIM = "~c", "~f"
MARK_SECONDS, CLAIM_SECONDS, COPY_SECONDS = 60, 10, 3600  # longer than a transaction; than a read; of a copy unused
LEASE = 10.0  # seconds for which a generation is believed: how long a writer cut off from Redis may go unnoticed
PAUSE = 1.0  # seconds without another try, when Redis did not answer
ATTEMPTS = 3

# KEYS: the copies. get -> their values. Otherwise ARGV has for each key what is expected there and what to put there.
# change: put it, whatever is there. fill: put it if the expected is there. publish: the same, and where neither the
# expected nor another's mark is there, put the expected, a mark, so that everybody reads the row.
SCRIPT = f"""-- generation %s
if ARGV[1] == 'get' then return redis.call('MGET', unpack(KEYS)) end
local function put(key, value)
  local start = string.sub(value, 1, 2)
  local seconds = start == '{MARK}' and {MARK_SECONDS} or start == '{CLAIM}' and {CLAIM_SECONDS} or {COPY_SECONDS}
  redis.call('SET', key, value, 'EX', seconds)
end
for i, key in ipairs(KEYS) do
  local expected, value = ARGV[2 * i], ARGV[2 * i + 1]
  local found = redis.call('GET', key) or ''
  if ARGV[1] == 'change' or found == expected then
    put(key, value)
  elseif ARGV[1] == 'publish' and found ~= '' and string.sub(found, 1, 2) ~= '{MARK}' then
    put(key, expected)
  end
end
return {{}}
"""


@dataclass(frozen=True)
class _Generation:
    """Whose copies count, as this process read it at that time (monotonic)."""

    name: str
    read_at: float

    @property
    def script(self) -> str:
        return SCRIPT % self.name

    @property
    def digest(self) -> str:
        return sha1(self.script.encode(), usedforsecurity=False).hexdigest()


_generation: tuple[_Generation, str] | None = None
_away_until = 0.0
_local_changes = 0


def current(*keys: str) -> tuple[str, ...]:
    """The stamps of `keys` as they are now, in that order."""
    redis = shared_cache.client()
    if redis is None or connection.in_atomic_block or monotonic() < _away_until:
        return _rows(keys)
    try:
        values = _run(redis, "get", keys, ())
        copies = tuple(value.decode() for value in values if value is not None and not value.startswith(b"~"))
        if len(copies) == len(keys):
            return copies
        return _fill(redis, keys, values)
    except shared_cache.UNREACHABLE as error:
        _lost(error)
        return _rows(keys)


def renew(*keys: str) -> None:
    """Say that what stands behind `keys` changes, in the transaction that changes it."""
    global _local_changes
    _local_changes += 1
    with transaction.atomic():
        values = {key: token_hex(12) for key in keys}
        Stamp.objects.renew(values)
        redis = shared_cache.client()
        if redis is not None and _mark(redis, keys, mark := f"{MARK}{token_hex(12)}"):
            transaction.on_commit(partial(_publish, redis, values, mark))


def lock(key: str) -> None:
    """Wait until nobody else in a transaction holds or renews this stamp, and hold it until the transaction ends."""
    if not Stamp.objects.lock(key):
        Stamp.objects.get_or_create(key=key, defaults={"value": token_hex(12)})
        Stamp.objects.lock(key)


def local_changes() -> int:
    """How often this process renewed a stamp: what a caller holds from before may be old, also inside a transaction."""
    return _local_changes


def _rows(keys: Iterable[str]) -> tuple[str, ...]:
    keys = tuple(keys)
    known = Stamp.objects.of(keys)
    return tuple(known.get(key, NEVER_CHANGED) for key in keys)


def _fill(redis: Any, keys: Sequence[str], found: Sequence[bytes | None]) -> tuple[str, ...]:
    """Read the rows, and put copies where there were none and still nobody says that they change."""
    empty = [key for key, value in zip(keys, found, strict=True) if value is None]
    claim = f"{CLAIM}{token_hex(8)}"
    if empty:
        _run(redis, "fill", empty, [("", claim)] * len(empty))
    rows = dict(zip(keys, _rows(keys), strict=True))
    if empty:
        _run(redis, "fill", empty, [(claim, rows[key]) for key in empty])
    return tuple(rows.values())


def _mark(redis: Any, keys: Sequence[str], mark: str) -> bool:
    """Make everybody read the rows of `keys` now. False where Redis is away: a new generation begins instead."""
    global _generation
    try:
        _generation = None  # this one must not be too old: read it in this transaction
        _run(redis, "change", keys, [("", mark)] * len(keys))
    except shared_cache.UNREACHABLE as error:
        _lost(error)
        Stamp.objects.renew({GENERATION: token_hex(8)})
        return False
    return True


def _publish(redis: Any, values: Mapping[str, str], mark: str) -> None:
    """After the commit: put the new copies where the marks are."""
    global _generation
    try:
        _generation = None  # another may have begun since the marks were put
        _run(redis, "publish", tuple(values), [(mark, value) for value in values.values()])
    except shared_cache.UNREACHABLE as error:
        _lost(error)  # the marks stand for a while, and then the place is empty


def _run(redis: Any, operation: str, keys: Sequence[str], changes: Sequence[tuple[str, str]]) -> list[bytes | None]:
    """Run the script on the copies of the generation that counts; begin a new one where the server has forgotten it."""
    global _generation
    arguments = [operation, *(part for change in changes for part in change)]
    for _ in range(ATTEMPTS):
        generation, digest = _trusted()
        names = [shared_cache.key("stamp", generation.name, key) for key in keys]
        try:
            return list(redis.evalsha(digest, len(names), *names, *arguments))
        except NoScriptError:
            begun = token_hex(8)
            # Only who began a generation teaches it: a server that forgot it since then stays ignorant.
            if Stamp.objects.replace(GENERATION, generation.name, begun):
                redis.script_load(_Generation(begun, 0).script)
            _generation = None
    raise ConnectionError("the shared cache forgets faster than it learns")


def _trusted() -> tuple[_Generation, str]:
    global _generation
    known = _generation
    if known is None or monotonic() - known[0].read_at > LEASE:
        read_at = monotonic()
        name = Stamp.objects.get_or_create(key=GENERATION, defaults={"value": token_hex(8)})[0].value
        generation = _Generation(name, read_at)
        known = _generation = (generation, generation.digest)
    return known


def _lost(error: Exception) -> None:
    global _generation, _away_until
    _generation = None
    _away_until = monotonic() + PAUSE
    logger.warning("shared_cache_unreachable", used_for="stamps", error=type(error).__name__)


def forget() -> None:
    """Trust no copy until the database has been asked again; for a process whose cache becomes another one."""
    global _generation, _away_until
    _generation, _away_until = None, 0.0
