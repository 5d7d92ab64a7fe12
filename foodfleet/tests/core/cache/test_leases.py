"""Several processes under leases: no process uses a value after its change, whatever becomes of Redis and of others."""

import os
import subprocess
import sys
import time
from threading import Event

import pytest
from django.core.cache import caches
from django.db import connection

from foodfleet.core.cache import announcements, coherent, commits, lease, shared
from foodfleet.core.cache.changes import ALL, Changes
from foodfleet.core.models import CacheVersion
from foodfleet.tests import processes

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROUNDS = int(os.environ.get("CACHE_ROUNDS", "60"))
KEY = "test"


class Other:
    """Another process."""

    def __init__(self, redis_url):
        database = connection.settings_dict
        where = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        values = {"DATABASE_URL": f"postgres://{where}", "REDIS_URL": redis_url, "LOG_LEVEL": "CRITICAL"}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "foodfleet.tests.core.cache.other_process"],
            cwd=processes.ROOT, env={**os.environ, "DJANGO_SETTINGS_MODULE": "foodfleet.settings", **values},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.popen.stdout.readline().strip() == "ready"
        self.expected = 0  # answers that nobody has read

    def ask(self, *command):
        self.send(*command)
        return self.answer()

    def send(self, *command):
        self.popen.stdin.write(" ".join(command) + "\n")
        self.popen.stdin.flush()
        self.expected += 1

    def answer(self):
        line = self.popen.stdout.readline()
        self.expected -= 1
        return line.removeprefix("= ").strip()

    def end(self):
        self.popen.stdin.close()
        self.popen.wait(10)


@pytest.fixture(scope="module")
def redis_of_module(tmp_path_factory):
    server = processes.PrivateRedis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def private_redis(redis_of_module, settings):
    """A Redis of these tests, empty: every process has to join anew."""
    server = redis_of_module
    server.client().flushall()
    settings.REDIS_URL = server.url
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": server.url}}
    yield server
    server.thaw()
    caches["default"].close()


@pytest.fixture(scope="module")
def idle():
    """Processes that earlier tests started: a start takes longer than most tests."""
    others = []
    yield others
    for other in others:
        other.end()


@pytest.fixture
def start_other(private_redis, idle):
    used = []

    def begin():
        used.append(idle.pop() if idle else Other(private_redis.url))
        used[-1].ask("hold", KEY)
        return used[-1]

    yield begin
    for other in used:
        processes.resume(other.popen)
        if other.popen.poll() is None and other.expected == 0:
            idle.append(other)
        else:
            other.end()


@pytest.fixture
def silent(monkeypatch):
    """How many processes did not acknowledge each announcement, so that it was waited until their leases ended."""
    found, wait_for = [], announcements.wait_for

    def counted(*arguments, **how):
        members = wait_for(*arguments, **how)
        found.append(len(members))
        return members

    monkeypatch.setattr(announcements, "wait_for", counted)
    return found


@pytest.fixture
def other(start_other):
    return start_other()


def write():
    """Change the value as this process, and return what it is then."""

    def change():
        from django.db import transaction

        with transaction.atomic():
            CacheVersion.objects.replace(KEY)
            coherent.invalidate(KEY)

    change()
    return CacheVersion.objects.version_of(KEY)


def test_no_reader_that_fills_its_cache_during_commits_is_stale(other, start_other):
    second = start_other()
    stale = 0
    for _ in range(ROUNDS):
        second.send("read", KEY)  # at the same time
        new = write()
        stale += other.ask("read", KEY) != new
        second.answer()
        stale += second.ask("read", KEY) != new
        new = second.ask("write", KEY)
        stale += other.ask("read", KEY) != new
    assert stale == 0


def test_an_announcement_is_acknowledged_while_all_processes_live(other, silent):
    for _ in range(10):
        write()
    assert silent == [0] * 10


def test_a_paused_process_is_waited_for_once_and_answers_nothing_old(other, silent):
    old = write()
    assert other.ask("read", KEY) == old
    processes.pause(other.popen)
    began = time.monotonic()
    write()
    assert time.monotonic() - began >= lease.WAIT_SECONDS
    new = write()
    assert silent == [0, 1, 0]
    processes.resume(other.popen)
    assert {other.ask("read", KEY) for _ in range(100)} == {new}


@pytest.mark.parametrize("step", ["announced", "committed"])
def test_a_writer_that_is_killed_leaves_no_old_value_behind(step, other, start_other):
    writer = start_other()
    old = write()
    assert other.ask("read", KEY) == old
    writer.send("write_and_die", KEY, step)
    writer.popen.wait(10)
    new = CacheVersion.objects.version_of(KEY)
    assert (new == old) == (step == "announced")
    assert {other.ask("read", KEY) for _ in range(20)} == {new}
    CacheVersion.objects.replace(KEY)  # the key is still open: nobody keeps a value
    assert other.ask("read", KEY) == CacheVersion.objects.version_of(KEY)


@pytest.mark.parametrize("come_back", ["empty", "with an old snapshot"])
def test_a_restart_of_redis_between_announcement_and_commit_does_no_harm(come_back, other, private_redis):
    old = write()
    assert other.ask("read", KEY) == old
    if come_back != "empty":
        private_redis.save()

    def commit():
        if CacheVersion.objects.version_of(KEY) == old:  # later it is called again
            private_redis.kill()
            private_redis.start()
            other.ask("hold", KEY)  # it keeps the old value
            CacheVersion.objects.replace(KEY)

    commits.announced(frozenset({KEY}), commit)
    assert other.ask("read", KEY) == CacheVersion.objects.version_of(KEY) != old


def test_a_redis_that_is_emptied_or_frozen_makes_nothing_old_valid(other, private_redis):
    for harm in (private_redis.client().flushall, private_redis.freeze):
        other.ask("hold", KEY)
        harm()
        new = write()
        assert other.ask("read", KEY) == new
    private_redis.thaw()
    assert {other.ask("read", KEY) for _ in range(20)} == {new}


def test_a_writer_that_alone_cannot_reach_redis_is_heard_within_a_lease(other, start_other, settings):
    reachable = settings.CACHES
    settings.CACHES = {"default": {**reachable["default"], "LOCATION": f"redis://127.0.0.1:{processes.free_port()}/0"}}
    new = write()
    assert other.ask("read", KEY) == new
    settings.CACHES = reachable
    shared.forget_loss()
    new = write()
    assert other.ask("read", KEY) == new


# One process, step by step


@pytest.fixture
def follow(private_redis, idle, monkeypatch):
    """Make a process that knows nothing yet and is alone; it renews when it is told to."""
    while idle:
        idle.pop().end()
    private_redis.client().flushall()
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)
    known = Changes()
    monkeypatch.setattr(lease, "changes", known)
    follower = lease.Follower(shared.new_client(private_redis.url), "follower", Event())
    assert not follower.renew()  # it joins
    return follower, known


def opened(redis, *keys):
    return announcements.open_change(redis, keys, writer="writer")


def test_a_process_that_joins_during_a_change_finds_its_keys_open(follow, private_redis):
    follower, known = follow
    redis = private_redis.client()
    closed, still_open = opened(redis, "a"), opened(redis, "b")
    announcements.close_change(redis, closed, writer="writer", silent=())
    assert follower.renew()
    assert not known.since(known.tick, ("a",))
    assert known.since(known.tick, ("b",))
    follower.renew()
    assert announcements.wait_for(redis, still_open, until=lease.clock() + 5) == set()


def test_a_member_is_removed_only_where_it_did_not_renew_since(follow, private_redis):
    follower, _ = follow
    redis = private_redis.client()
    member = "member:follower"
    change = opened(redis, "a")
    assert set(change.members) == {member}
    follower.renew()
    announcements.close_change(redis, change, writer="writer", silent={member})
    assert redis.hexists(announcements.REGISTRY, member)
    change = opened(redis, "a")
    announcements.close_change(redis, change, writer="writer", silent={member})
    assert not redis.hexists(announcements.REGISTRY, member)


@pytest.mark.parametrize("harm", ["flush", "another run"])
def test_a_new_registry_makes_a_process_drop_everything(harm, follow, private_redis):
    follower, known = follow
    redis = private_redis.client()
    assert follower.renew()
    tick = known.tick
    if harm == "flush":
        redis.flushall()
    else:
        redis.hset(announcements.REGISTRY, "run", "of an old snapshot")
    assert not opened(redis, "b").is_complete
    assert not follower.renew()
    assert known.since(tick, ("a",))
    assert follower.renew()
    assert known.since(known.tick, ("b",))


@pytest.mark.parametrize("lost", ["the log", "entries"])
def test_lost_announcements_make_a_process_keep_nothing(lost, follow, private_redis):
    follower, known = follow
    redis = private_redis.client()
    follower.renew()
    opened(redis, "a")
    follower.renew()
    if lost == "the log":
        redis.hincrby(announcements.REGISTRY, "number", 1)
    else:
        opened(redis, "b")
        opened(redis, "c")
        redis.xtrim(announcements.LOG, maxlen=1, approximate=False)
    follower.renew()
    assert known.since(known.tick, ("b",))
    assert known.since(known.tick, ("whatever",))
    assert ALL in known._open_keys()


def test_the_announcement_of_a_change_that_took_long_is_made_again(private_redis, monkeypatch):
    change = commits.Change(frozenset({"a"}))
    change.announce()
    monkeypatch.setattr(commits, "OPEN_SECONDS", 0.0)
    assert not change.finish()
    monkeypatch.undo()
    change.announce()
    assert change.finish()


def test_a_server_that_hides_its_run_gives_no_lease(follow, private_redis, monkeypatch):
    follower, _ = follow
    for script in ("RENEW", "OPEN"):
        hidden = getattr(announcements, script).replace("run_id:", "no_such_line:")
        monkeypatch.setattr(announcements, script, hidden)
    assert not follower.renew()
    assert not follower.renew()
    assert opened(private_redis.client(), "a") is None
