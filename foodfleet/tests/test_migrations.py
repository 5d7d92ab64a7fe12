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
from notifications.models import RateBucket, SmsTemplate, Suppression
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from rbac.models import Role, RoleAssignment

def fill():
    ann = User.objects.create_user("ann@example.com", "Grill-Fleet-2026!")
    Role.objects.create(name="Griller")
    for role in Role.objects.filter(name__in=["Griller", "Support"]):
        RoleAssignment.objects.create(user=ann, role=role)
    files = EmailExtras(attachments=[NewAttachment("a.txt", b"a")])
    send_email(to=["ann@example.com"], subject="x", text="x", extras=files)
    RateBucket.objects.get_or_create(name="email", defaults={"level": 1, "at": 1})
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
TARGETS = (
    ("rbac", "0001"),
    ("rbac", "zero"),
    ("notifications", "0001"),
    ("notifications", "zero"),
    ("accounts", "zero"),
)


def back_and_forth(**environment):
    script = BACK_AND_FORTH.replace("TARGETS", repr(TARGETS))
    processes.manage("shell", "-v", "0", "-c", script, DEBUG="true", **environment)


@pytest.mark.once
def test_every_app_migrates_to_zero_and_back_with_data_on_sqlite(tmp_path):
    back_and_forth(DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3")


@pytest.mark.postgres
def test_every_app_migrates_to_zero_and_back_with_data_on_postgresql(postgres_url):
    back_and_forth(DATABASE_URL=postgres_url)


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
