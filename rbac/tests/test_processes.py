"""A change in one process applies to the next request in another, also during outages of Redis."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import connection

from foodfleet.tests.processes import PrivateRedis
from rbac.services import assignments, roles

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 300


@pytest.fixture
def private_redis(tmp_path, settings):
    server = PrivateRedis(tmp_path)
    settings.REDIS_URL = server.url
    settings.CACHES = {"default": {**django_settings.CACHES["default"], "LOCATION": server.url}}
    yield server
    server.kill()
    caches["default"].close()


@pytest.fixture
def other_process(private_redis):
    """Ask the other process."""
    database = connection.settings_dict
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "foodfleet.settings",
        "DATABASE_URL": url,
        "REDIS_URL": private_redis.url,
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "rbac.tests.other_process"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def answered() -> str:
        while (line := child.stdout.readline()) and line.strip() not in {"ready", "True", "False"}:
            pass  # a line of the log
        return line.strip()

    def ask(user_id: int, codename: str) -> bool:
        child.stdin.write(f"{user_id} {codename}\n")
        child.stdin.flush()
        return {"True": True, "False": False}[answered()]

    assert answered() == "ready"
    yield ask
    child.stdin.close()
    child.wait(timeout=10)


def test_a_revoked_role_is_gone_in_other_processes_at_once(user, other_process):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="r", permissions=["users:read"]))
    stale = 0
    for number in range(ROUNDS):
        if number % 2:
            assignments.revoke(actor=None, user=user, role=role)
        else:
            assignments.grant(actor=None, user=user, role=role)
        stale += other_process(user.pk, "users:read") != (number % 2 == 0)
    assert stale == 0


def test_a_revoked_role_stays_revoked_when_redis_restores_old_data(user, other_process, private_redis):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="r", permissions=["users:read"]))
    stale = 0
    for number in range(240):
        if number in (21, 100):
            private_redis.save()  # the state after the crash: with or without the assignment
        if number in (60, 150):
            private_redis.kill()
        if number in (62, 152):  # each change takes seconds meanwhile
            private_redis.start()
        permissions = ["users:read"] if number % 2 == 0 else []
        roles.update(actor=None, role=role, edit=roles.RoleEdit(permissions=permissions))
        if number % 10 == 0:
            assignments.grant(actor=None, user=user, role=role)
        elif number % 10 == 5:
            assignments.revoke(actor=None, user=user, role=role)
        expected = number % 2 == 0 and number % 10 < 5
        stale += other_process(user.pk, "users:read") != expected
        stale += user.has_perm("users:read") != expected
    assert stale == 0


def test_a_change_made_during_a_redis_outage_survives_old_data(user, other_process, private_redis):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="r", permissions=["users:read"]))
    assignments.grant(actor=None, user=user, role=role)
    assert other_process(user.pk, "users:read")
    assert other_process(user.pk, "users:read")
    private_redis.save()
    private_redis.kill()
    assignments.revoke(actor=None, user=user, role=role)
    private_redis.start()  # the other process has noticed nothing
    assert private_redis.client().dbsize() > 0
    assert not other_process(user.pk, "users:read")
