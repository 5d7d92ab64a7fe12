"""Announcements of changes through Redis, from writers to the processes that hold a lease. `coherent` has an overview.

There are two keys in Redis. The registry is a hash: the run of the server on which it was made, a random `token`, the
`number` of the last announcement, how often each member renewed, and `complete` once it is older than a lease. The log
is a stream of announcements that a change opens or closes, numbered without gaps.

If the registry is missing or from another run of the server, every script makes a new one and empties the log: Redis
was emptied, restarted from a snapshot, or replaced by a replica. Members of the former registry may still hold a lease
until the new one is complete. No script uses the clock of Redis, which an administrator may change.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from secrets import token_hex
from time import sleep
from typing import Any

from foodfleet.core.cache import shared
from foodfleet.core.cache.changes import clock

KEYS = REGISTRY, LOG = shared.key("cache", "registry"), shared.key("cache", "log")
LOG_LENGTH = 10_000
ACKNOWLEDGEMENT_MILLISECONDS = 5_000  # after which an acknowledgement that nobody reads expires
MEMBER = "member:"

# ARGV[1]: the token for a new registry. If a proxy hides the run of the server, there are no leases.
CURRENT_REGISTRY = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if not run then return {} end
local token = redis.call('HGET', KEYS[1], 'token')
if not token or redis.call('HGET', KEYS[1], 'run') ~= run then
  token = ARGV[1]
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'run', run, 'token', token)
end
"""
# KEYS[3...]: lists of acknowledgements. ARGV: token, field of the member, token of a registry that is complete.
RENEW = f"""{CURRENT_REGISTRY}
redis.call('HINCRBY', KEYS[1], ARGV[2], 1)
if ARGV[3] == token then redis.call('HSET', KEYS[1], 'complete', 1) end
for i = 3, #KEYS do
  redis.call('RPUSH', KEYS[i], ARGV[2])
  redis.call('PEXPIRE', KEYS[i], {ACKNOWLEDGEMENT_MILLISECONDS})
end
return {{token, tonumber(redis.call('HGET', KEYS[1], 'number') or 0)}}
"""
# ARGV: token, keys, field of the writer as a member.
OPEN = f"""{CURRENT_REGISTRY}
local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', {LOG_LENGTH}, number .. '-0', 'open', ARGV[2], 'by', ARGV[3])
return redis.call('HGETALL', KEYS[1])
"""
# ARGV: token, token of the opening, its number, field of the writer, whether the registry is complete, and each member
# that did not acknowledge with its count: if it has not renewed since, its lease has ended.
CLOSE = f"""{CURRENT_REGISTRY}
if token ~= ARGV[2] then return 0 end
local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', {LOG_LENGTH}, number .. '-0', 'close', ARGV[3], 'by', ARGV[4])
if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'complete', 1) end
for i = 6, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return number
"""


@dataclass(frozen=True)
class Entry:
    """One announcement. change: the number of its opening. keys: those that the opening names; empty for a closing."""

    number: int
    change: int
    keys: frozenset[str]
    writer: str


@dataclass(frozen=True)
class Opening:
    """An announced change. members: field and count of each process that may hold a lease."""

    number: int
    token: str
    is_complete: bool
    members: Mapping[str, str]


def renew(
    redis: Any, member: str, *, complete: str, acknowledged: Collection[tuple[str, int]], after: int, wait: float
) -> tuple[str, int, list[Entry]]:
    """Count a renewal of `member`, acknowledge, and return the registry's token, the last number and new entries.

    Waits up to `wait` seconds for an entry. complete: the token of a registry that is older than any lease.
    """
    lists = [_acknowledgements(*each) for each in acknowledged]
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.eval(RENEW, 2 + len(lists), *KEYS, *lists, token_hex(8), MEMBER + member, complete)
        pipeline.xread({LOG: f"{after}-0"}, block=max(1, int(wait * 1000)))
        registry, streams = pipeline.execute()
    if not registry:
        return "", 0, []
    return registry[0].decode(), registry[1], [_entry(*each) for _, rows in streams for each in rows]


def _entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    number = int(entry_id.partition(b"-")[0])
    keys = frozenset(fields.get(b"open", b"").decode().split())
    return Entry(number, int(fields.get(b"close", number)), keys, fields[b"by"].decode())


def leave(redis: Any, member: str) -> None:
    """Remove `member` from the registry when it gives up its lease."""
    redis.hdel(REGISTRY, MEMBER + member)


def open_change(redis: Any, keys: Collection[str], *, writer: str) -> Opening | None:
    """Announce that `keys` are changing; None if this server supports no leases."""
    fields = redis.eval(OPEN, 2, *KEYS, token_hex(8), " ".join(keys), MEMBER + writer)
    if not fields:
        return None
    registry = {name.decode(): value.decode() for name, value in zip(fields[::2], fields[1::2], strict=True)}
    others = {name: count for name, count in registry.items() if name.startswith(MEMBER) and name != MEMBER + writer}
    return Opening(int(registry["number"]), registry["token"], "complete" in registry, others)


def wait_for(redis: Any, opening: Opening, *, until: float) -> set[str]:
    """Wait for the acknowledgements of all members; return the members that gave none in time."""
    waiting = set(opening.members)
    name = _acknowledgements(opening.token, opening.number)
    while waiting and (left := until - clock()) > 0:
        # Shorter than the connection's time-out; 0 would wait without end.
        found = redis.blpop([name], timeout=min(max(left, 0.01), 0.5))
        waiting.discard(found[1].decode() if found else "")
    if not opening.is_complete:
        sleep(max(0.0, until - clock()))
    return waiting


def close_change(redis: Any, opening: Opening, *, writer: str, silent: Collection[str]) -> int | None:
    """Announce that the change is committed, and remove `silent` members.

    Returns the number of the announcement, or None if Redis has lost the opening.
    """
    counts = [part for name in silent for part in (name, opening.members[name])]
    arguments = (token_hex(8), opening.token, opening.number, MEMBER + writer, 1, *counts)
    return redis.eval(CLOSE, 2, *KEYS, *arguments) or None


def _acknowledgements(token: str, number: int) -> str:
    return shared.key("cache", "acknowledged", token, number)
