"""What runs in the background without a broker."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.models import Session
from foodfleet.core.http import health
from foodfleet.modules.registry import ScheduledTask
from notifications.management.commands import deliver_due
from notifications.management.commands.deliver_due import PeriodicTasks
from notifications.models import Message
from notifications.services.delivery import sweep
from notifications.services.delivery.priority_queue import DispatchResult
from notifications.services.operations import retention
from notifications.states import Channel, Status
from notifications.tests.sns import notification, post, ses

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(settings):
    """A message whose words and recipients are to be forgotten."""
    age = timedelta(days=settings.MESSAGES_REDUCED_AFTER_DAYS + 1)
    return Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], status=Status.SENT, created_at=timezone.now() - age
    )


def test_the_loop_applies_early_reports_and_erases_as_beat_does(api, http, old):
    post(api, notification(ses("Delivery", "ses-1")))
    chores = PeriodicTasks(1.0)
    chores.run_due(1.0)
    old.refresh_from_db()
    assert old.to == []
    early = Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], status=Status.SENT, provider_message_id="ses-1"
    )
    chores.run_due(60.0)
    early.refresh_from_db()
    assert early.status == "sent"
    chores.run_due(61.0)
    early.refresh_from_db()
    assert early.status == "delivered"


def test_only_a_task_with_a_crontab_waits_for_its_time(monkeypatch):
    ran = []
    in_an_hour = SimpleNamespace(is_at_fixed_times=True, pause=lambda: 3600.0, run=lambda: ran.append("at its time"))
    hourly = ScheduledTask(3600, lambda: ran.append("at once"))
    monkeypatch.setattr(deliver_due.registry, "scheduled_tasks", lambda: [in_an_hour, hourly])
    tasks = PeriodicTasks(1.0)
    tasks.run_due(1.0)
    assert ran == ["at once"]
    tasks.run_due(3601.0)
    assert ran == ["at once", "at its time", "at once"]


def test_a_storage_outage_does_not_end_the_loop(old, monkeypatch):
    monkeypatch.setattr(retention, "forget", raise_os_error)
    PeriodicTasks(1.0).run_due(1.0)


def raise_os_error():
    raise OSError("the storage is away")


def test_the_loop_deletes_expired_rows_of_accounts(user):
    long_ago = timezone.now() - timedelta(days=400)
    Session.objects.create(user=user, created_at=long_ago, last_used_at=long_ago, expires_at=long_ago)
    PeriodicTasks(1.0).run_due(1.0)
    assert not Session.objects.exists()


def test_old_messages_are_forgotten_by_a_command(old, capsys):
    call_command("forget_messages")
    assert capsys.readouterr().out == "1 messages reduced, 0 removed.\n"


@pytest.fixture
def watch(monkeypatch):
    """That looks for messages alone."""
    monkeypatch.setattr(PeriodicTasks, "run_due", lambda self, now: None)
    monkeypatch.setattr(sweep, "sweep", lambda: None)
    return deliver_due.Watch(every=0.01)


def test_a_backlog_delays_no_periodic_job(watch, monkeypatch):
    dispatches, chores = [], []

    def chore(self, now):
        chores.append(now)
        if len(chores) == 3:
            monkeypatch.setattr(deliver_due.os, "getppid", object)

    monkeypatch.setattr(PeriodicTasks, "run_due", chore)
    monkeypatch.setattr(
        deliver_due.Dispatcher, "run", lambda self: dispatches.append(1) or DispatchResult(is_more=True)
    )
    watch.run()
    assert len(chores) == 3
    assert dispatches


def test_a_closed_connection_does_not_end_the_loop(watch, monkeypatch):
    looks = []

    def look(self):
        looks.append(self.limits.channel)
        if len(looks) >= 6:
            monkeypatch.setattr(deliver_due.os, "getppid", object)
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(deliver_due.Dispatcher, "run", look)
    watch.run()
    assert set(looks) == set(Channel)


def test_the_loop_waits_until_the_server_has_migrated(watch, monkeypatch):
    states = [health.PENDING] * deliver_due.FAILURES_BEFORE_WARNING
    monkeypatch.setattr(health, "migrations_state", lambda: states.pop() if states else health.OK)

    def look(self):
        assert not states
        monkeypatch.setattr(deliver_due.os, "getppid", object)
        return DispatchResult()

    monkeypatch.setattr(deliver_due.Dispatcher, "run", look)
    with capture_logs() as lines:
        watch.run()
    assert [line["event"] for line in lines] == ["waits_for_migrations"]


def test_the_loop_ends_in_an_error_when_one_of_its_threads_fails(watch, monkeypatch):
    monkeypatch.setattr(deliver_due.threading, "excepthook", lambda failure: None)
    monkeypatch.setattr(deliver_due.Dispatcher, "run", lambda self: 1 / 0)
    with pytest.raises(CommandError, match="has failed"):
        watch.run()
