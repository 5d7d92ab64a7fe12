"""What /health/ready/ reports of background processes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from foodfleet.core.models import Heartbeat
from notifications import tasks
from notifications.management.commands import deliver_due
from notifications.models import Message
from notifications.services.delivery import liveness
from notifications.states import Channel, Priority

pytestmark = pytest.mark.django_db
READY = "/health/ready/"


@pytest.fixture(autouse=True)
def without_broker(settings):
    """No test here uses a broker."""
    settings.CELERY_BROKER_URL = ""


def seen(seconds):
    Heartbeat.objects.write(liveness.NAME, timezone.now() - timedelta(seconds=seconds))


def test_ready_is_well_while_delivery_is_at_work(client):
    seen(20)
    answer = client.get(READY)
    assert answer.status_code == 200
    assert answer.json()["migrations"] == "ok"
    assert answer.json()["delivery"] == {"state": "ok", "last_seen_seconds": 20, "oldest_due_seconds": 0}


def test_a_pending_migration_is_not_ready(client):
    MigrationRecorder(connection).migration_qs.filter(app="notifications").last().delete()
    answer = client.get(READY)
    assert (answer.status_code, answer.json()["migrations"]) == (503, "pending")
    assert answer["Retry-After"]


@pytest.mark.parametrize(
    ("running", "silence", "state", "status"),
    [
        (10, None, "late", 200),
        (10, 5000, "late", 200),
        (5000, 70, "late", 200),
        (5000, 130, "unavailable", 503),
        (5000, None, "unavailable", 503),
    ],
)
def test_delivery_that_gives_no_sign_of_life_is_late_then_dead(
    client, monkeypatch, settings, running, silence, state, status
):
    settings.DELIVERY_DEAD_AFTER = 120
    monkeypatch.setattr(liveness, "_started", liveness.monotonic() - running)
    if silence is not None:
        seen(silence)
    answer = client.get(READY)
    assert (answer.json()["delivery"]["state"], answer.status_code) == (state, status)
    assert answer.json()["delivery"]["last_seen_seconds"] == silence


def test_ready_tells_for_how_long_the_oldest_message_has_been_due(client):
    now = timezone.now()
    for seconds, priority in [(40, Priority.BULK), (90, Priority.TRANSACTIONAL), (-300, Priority.CODE)]:
        Message.objects.create(
            channel=Channel.EMAIL, to=["a@example.com"], priority=priority, due_at=now - timedelta(seconds=seconds)
        )
    assert client.get(READY).json()["delivery"]["oldest_due_seconds"] == 90


def test_a_sweep_by_a_worker_is_a_sign_of_life(client):
    tasks.sweep()
    assert client.get(READY).json()["delivery"]["last_seen_seconds"] == 0


def test_a_run_of_the_loop_is_a_sign_of_life(client, monkeypatch):
    monkeypatch.setattr(deliver_due.os, "getppid", iter([1, 1, 2, 2]).__next__)
    monkeypatch.setattr(deliver_due.Watch, "send", lambda self, channel: self._has_ended.wait(10))
    deliver_due.Watch(every=0.01).run()
    assert client.get(READY).json()["delivery"]["state"] == "ok"


def test_only_a_search_for_due_messages_is_a_sign_of_life(client):
    """A worker that empties a queue is no sign that beat runs."""
    tasks.dispatch(int(Priority.CODE), Channel.EMAIL)
    assert client.get(READY).json()["delivery"]["last_seen_seconds"] is None
