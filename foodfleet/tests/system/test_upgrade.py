"""The database of each earlier release, with rows in all tables, is migrated to today's code.

No row is lost, its users go on with what they had, and a message that waited is sent.
"""

import gzip
import json
import re
import sqlite3

import psycopg
import pytest

from foodfleet.tests import processes

RELEASES = processes.ROOT / "foodfleet" / "tests" / "releases"
VERSIONS = sorted(path.name.removesuffix(".sqlite.json") for path in RELEASES.glob("*.sqlite.json"))
RENAMED = {
    "accounts_errand": "accounts_deferredjob",
    "accounts_secondfactorreset": "accounts_mfareset",
    "rbac_standing": "rbac_userstatus",
}
# Limits moved to one table; those of requests, and versions of caches, start anew.
COUNTERS = {
    "accounts_codeattempts", "accounts_loginattempts", "core_ratecounter", "core_slidingcounter", "core_stamp",
    "notifications_ratebucket",
}  # fmt: skip
GO_ON = """
import pyotp
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from accounts.models import SecurityEvent, Session, User
from notifications.models import Message, SmsTemplate, Suppression
from rbac.services import decisions

def post(path, **body):
    answer = Client().post(f"/api/v1/{path}", body, content_type="application/json")
    assert answer.status_code == 200, (path, answer.content)
    return answer.json()

def sign_in(method, code):
    challenge = post("auth/login/", email="ann@example.com", password="Grill-Fleet-2026!")["challenge"]
    return post("auth/login/verify/", challenge=challenge, method=method, code=code)["access"]

call_command("migrate", verbosity=0)
call_command("migrate", check_unapplied=True, verbosity=0)
for table, rows in KNOWN["rows"].items():
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        found = cursor.fetchone()[0]
    assert found >= rows > 0, (table, rows, found)
ann = User.objects.get(email="ann@example.com")
before = set(Session.objects.filter(user=ann).values_list("device_name", flat=True))
assert before == {"Till"}, before
sign_in("backup_code", KNOWN["backup_code"])
access = sign_in("totp", pyotp.TOTP(KNOWN["totp_secret"]).now())
me = Client().get("/api/v1/users/me/", headers={"Authorization": f"Bearer {access}"}).json()
assert me["email"] == "ann@example.com" and me["email_verified"], me
assert ann.has_perm("users:read")
assert decisions.scopes_with(ann, "roles:assign") == {"fleet:12"}
assert User.objects.get(first_name="Bob").email == "bob@müller.example"
assert Message.objects.filter(user=ann, template="verify_email").exists()
assert SecurityEvent.objects.filter(user=ann, kind="registered").exists()
Message.objects.filter(subject="Later", status="queued").update(due_at=timezone.now())
call_command("deliver_due", verbosity=0)
[waiting] = [one for one in mail.outbox if one.subject == "Later"]
assert waiting.to == ["dan@example.com"] and "A waiting text" in waiting.body, waiting.body
assert Suppression.objects.get().address == "gone@example.com"
assert SmsTemplate.objects.get(name="2fa_code").content == "Own text: {{code}}"
"""


def known(version, database):
    """What fill.py printed, with the rows of each table under its name of today."""
    printed = json.loads((RELEASES / f"{version}.{database}.json").read_text())
    rows = {RENAMED.get(table, table): count for table, count in printed["rows"].items() if table not in COUNTERS}
    return {**printed, "rows": rows}


def dump(version, database):
    return gzip.decompress((RELEASES / f"{version}.{database}.sql.gz").read_bytes()).decode()


def go_on(version, database, url):
    script = f"KNOWN = {known(version, database)!r}\n{GO_ON}"
    values = {"DATABASE_URL": url, "EMAIL_URL": "memorymail://", "ALLOWED_HOSTS": "testserver"}
    processes.manage("shell", "-v", "0", "-c", script, DEBUG="true", **values)


@pytest.mark.once
@pytest.mark.parametrize("version", VERSIONS)
def test_users_of_a_release_go_on_after_the_upgrade_on_sqlite(version, tmp_path):
    path = tmp_path / "fleet.sqlite3"
    connection = sqlite3.connect(path)
    connection.executescript(dump(version, "sqlite"))
    connection.close()
    go_on(version, "sqlite", f"sqlite:///{path}")


@pytest.mark.postgres
@pytest.mark.parametrize("version", VERSIONS)
def test_users_of_a_release_go_on_after_the_upgrade_on_postgresql(version, empty_postgres_url):
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute(dump(version, "postgresql"))
    go_on(version, "postgresql", empty_postgres_url)


@pytest.mark.once
def test_each_release_of_the_changelog_has_its_databases():
    changelog = (processes.ROOT / "CHANGELOG.md").read_text()
    assert sorted(re.findall(r"^## \[([\d.]+)\]", changelog, re.MULTILINE)) == VERSIONS
