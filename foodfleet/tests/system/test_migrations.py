"""Migrations on a database that is in use, forwards and backwards."""

from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.db.migrations import AddField, CreateModel

from foodfleet.tests import processes

BACK_AND_FORTH = """
from django.core.management import call_command
from accounts.models import User
from notifications.models import SmsTemplate, Suppression
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from rbac.models import Role, RoleAssignment

def fill():
    ann = User.objects.create_user("ann@example.com", "Grill-Fleet-2026!")
    Role.objects.create(name="Griller")
    for role in Role.objects.filter(name__in=["Griller", "Support"]):
        RoleAssignment.objects.create(user=ann, role=role)
    files = EmailExtras(attachments=[NewAttachment("a.txt", b"a")])
    send_email(to=["ann@example.com"], subject="x", text="x", extras=files)
    Suppression.objects.create(channel="email", address="x@example.com", reason="manual")

def migrate(*target):
    call_command("migrate", *target, verbosity=0)

migrate()
for app, target in TARGETS:
    fill()
    migrate(app, target)
    migrate()
    assert Role.objects.filter(name="Administrator").count() == 1, (app, target)
    assert SmsTemplate.objects.exists(), (app, target)
    call_command("flush", interactive=False, verbosity=0)
"""
TWICE = """
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

executor = MigrationExecutor(connection)
executor.recorder.ensure_schema()
state = ProjectState()
for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
    before = state.clone()
    state = executor.apply_migration(state, migration)
    if not migration.atomic:
        executor.recorder.record_unapplied(migration.app_label, migration.name)
        state = executor.apply_migration(before, migration)
"""
TWICE_BACK = """
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

call_command("migrate", verbosity=0)
recorder = MigrationExecutor(connection).recorder
names = ["0019_webhooks", "0020_keys_without_a_constraint", "0021_messages_without_foreign_keys", "0022_messages_by_month"]
for before, name in reversed(list(zip(names, names[1:]))):
    call_command("migrate", "notifications", before, verbosity=0)
    recorder.record_applied("notifications", name)
    call_command("migrate", "notifications", before, verbosity=0)
call_command("migrate", verbosity=0)
"""
LIVE_LOCKS = """
from datetime import timedelta
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from accounts.exceptions import AccountLockedException
from accounts.models import User
from accounts.services.limits import attempts, lockout
from foodfleet.core.cache import rate_limits
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

def outcome(call):
    try:
        return call()
    except AccountLockedException as error:
        return round((error.locked_until - now).total_seconds() / 60)
    except ThrottledException as error:
        return round(error.retry_after / 60)

call_command("migrate", verbosity=0)
call_command("migrate", "notifications", "0016", verbosity=0)
call_command("migrate", "accounts", "0021", verbosity=0)
call_command("migrate", "core", "0004", verbosity=0)
executor = MigrationExecutor(connection)
before = executor.loader.project_state([("accounts", "0021_no_prefix_search"), ("core", "0004_cache_version")]).apps
rows, now = before.get_model("accounts", "LoginAttempts").objects, timezone.now()
users = before.get_model("accounts", "User").objects
ann, bob = (users.create(email=f"{name}@example.com", password="!") for name in ("ann", "bob"))
address, locked = lockout._address("ann@example.com"), {"tries": 5, "locks": 2, "user": ann}
rows.create(address=address, locked_until=now + timedelta(minutes=30), **locked)
rows.create(address=address, device=lockout._device("till"), tries=2)
rows.create(address=address, device=lockout._device("desk"), locked_until=now + timedelta(minutes=10), **locked)
rows.create(address=lockout._address("old@example.com"), tries=4, updated_at=now - timedelta(days=2))
rows.create(address=lockout._address("four@example.com"), tries=4, locks=1)
blocked = {"failures": 25, "blocked_until": now + timedelta(minutes=20)}
before.get_model("accounts", "CodeAttempts").objects.create(user=ann, **blocked)
before.get_model("accounts", "CodeAttempts").objects.create(user=bob, failures=8)
before.get_model("core", "SlidingCounter").objects.create(
    key="sms", slices={int(now.timestamp() // 60): 3}, expires_at=now + timedelta(hours=1)
)
details = {"address": address, "device": "", "until": now.isoformat(), "user": ann.pk, "client": {}}
before.get_model("accounts", "DeferredJob").objects.create(kind="lock", details=details)
call_command("migrate", verbosity=0)

def sign_in(email, device=""):
    known = lockout.known_device_id(email=email, client=Client(device=device))
    return outcome(lambda: lockout.reserve_attempt(email=email, known_device_id=known).tries)

assert sign_in("ann@example.com") == 30
assert sign_in("ann@example.com", "desk") == 10
assert sign_in("ann@example.com", "till") == 3
assert sign_in("old@example.com") == 1
assert sign_in("four@example.com") == 5
assert sign_in("four@example.com") == 30
assert outcome(lambda: attempts.reserve(User.objects.get(pk=ann.pk))) == 20
assert attempts.reserve(User.objects.get(pk=bob.pk)).count == 9
assert not rate_limits.sliding_window("sms", limit=3, seconds=3600).allowed
assert User.objects.locked_out(now).get().pk == ann.pk
job = apps.get_model("accounts", "DeferredJob").objects.get().details
assert job["key"] == f"login:{address}" and "device" not in job
"""
# The way to zero of accounts is that of every app that depends on it.
TARGETS = (("rbac", "0001"), ("notifications", "0001"), ("accounts", "zero"))


def back_and_forth(targets, **environment):
    script = BACK_AND_FORTH.replace("TARGETS", repr(targets))
    processes.manage("shell", "-v", "0", "-c", script, DEBUG="true", **environment)


@pytest.mark.once
def test_every_app_migrates_to_zero_and_back_with_data_on_sqlite(tmp_path):
    back_and_forth(TARGETS[-1:], DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3")


@pytest.mark.postgres
def test_every_app_migrates_to_zero_and_back_with_data_on_postgresql(empty_postgres_url):
    back_and_forth(TARGETS, DATABASE_URL=empty_postgres_url)


@pytest.mark.once
def test_a_migration_that_was_not_recorded_runs_again_on_sqlite(tmp_path):
    processes.manage("shell", "-v", "0", "-c", TWICE, DEBUG="true", DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3")


@pytest.mark.postgres
def test_a_migration_that_was_not_recorded_runs_again_on_postgresql(empty_postgres_url):
    processes.manage("shell", "-v", "0", "-c", TWICE, DEBUG="true", DATABASE_URL=empty_postgres_url)


@pytest.mark.postgres
def test_a_reversal_that_was_not_recorded_runs_again(empty_postgres_url):
    processes.manage("shell", "-v", "0", "-c", TWICE_BACK, DEBUG="true", DATABASE_URL=empty_postgres_url)


@pytest.mark.postgres
def test_live_locks_and_counts_survive_the_move_to_one_table(postgres_url):
    processes.manage("shell", "-v", "0", "-c", LIVE_LOCKS, DEBUG="true", DATABASE_URL=postgres_url)


@pytest.mark.parametrize("app", ["accounts", "notifications", "rbac"])
def test_every_new_column_has_a_value_for_the_release_before(app):
    """While both run, the older one inserts rows and does not name the column."""
    for path in sorted((Path(settings.BASE_DIR) / app / "migrations").glob("0*.py")):
        operations = import_module(f"{app}.migrations.{path.stem}").Migration.operations
        new = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}
        for operation in operations:
            if isinstance(operation, AddField) and operation.model_name_lower not in new:
                field = operation.field
                assert field.null or field.many_to_many or field.has_db_default(), f"{path.name}: {operation.name}"
