"""What modules declare reaches the product, and what they forget is named."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from accounts import tasks
from accounts.models import Passkey, SecurityEvent
from accounts.receivers.checks import check_modules
from foodfleet.core.http.clients import Client
from foodfleet.modules import discovery, events, layers, registry
from notifications.services.templates import specs
from notifications.states import Channel

pytestmark = pytest.mark.once
CLIENT = Client(ip="203.0.113.7", user_agent="curl", request_id="r-1")
TRUCKS = SimpleNamespace(
    name="trucks",
    url="trucks",
    events={"truck_created": "Truck added"},
    get_models=lambda: [Passkey],
)


@pytest.fixture
def trucks(monkeypatch):
    """A module of which only the declarations exist."""
    monkeypatch.setattr(registry, "installed", lambda: [TRUCKS])


@pytest.mark.django_db
def test_an_event_of_a_module_is_a_security_event_with_its_wording(trucks, user):
    events.record(kind="truck_created", actor=user, client=CLIENT, details={"truck": 7})
    row = SecurityEvent.objects.get(kind="truck_created")
    assert (row.actor, row.ip, row.details, row.get_kind_display()) == (user, CLIENT.ip, {"truck": 7}, "Truck added")


@pytest.mark.django_db
def test_an_event_that_no_module_declares_is_refused():
    with pytest.raises(ImproperlyConfigured, match="ModuleConfig"):
        events.record(kind="truck_created", actor=None, client=CLIENT)


def test_a_module_that_ignores_the_deletion_of_users_is_told_what_to_do(trucks):
    [problem] = check_modules()
    assert (problem.id, "trucks.receivers" in problem.hint) == ("accounts.E001", True)
    assert "accounts.Passkey.user" in problem.msg


def test_a_mail_with_a_name_of_the_product_is_refused(monkeypatch):
    mine = SimpleNamespace(MAILS=[specs.TemplateSpec("welcome", Channel.EMAIL, "Hello", ())])
    monkeypatch.setattr(specs, "submodules", lambda name: [mine])
    specs.all_specs.cache_clear()
    try:
        with pytest.raises(ImproperlyConfigured, match="welcome"):
            specs.find(Channel.EMAIL, "welcome")
    finally:
        specs.all_specs.cache_clear()


def test_only_folders_with_a_module_config_are_modules(tmp_path):
    for name, text in {"trucks": "class TrucksConfig(ModuleConfig):", "other": "class OtherConfig(AppConfig):"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "apps.py").write_text(text)
    assert discovery.beside(tmp_path) == ["trucks"]


def test_modules_stand_above_the_apps_and_have_their_layers():
    options = {
        "root_packages": ["rbac"],
        "contracts": [{"layers": ["urls", "notifications"]}, {"containers": ["rbac"], "layers": ["tests"]}],
    }
    with_trucks = layers.with_modules(options, ["trucks", "menus"])
    assert with_trucks["root_packages"] == ["rbac", "trucks", "menus"]
    assert with_trucks["contracts"] == [
        {"layers": ["urls", "trucks : menus", "notifications"]},
        {"containers": ["rbac", "trucks", "menus"], "layers": ["tests"]},
    ]


def test_what_a_module_schedules_also_runs_without_celery(monkeypatch):
    module = SimpleNamespace(name="accounts", schedule={"purge": {"task": "accounts.purge_expired", "schedule": 60}})
    monkeypatch.setattr(registry, "installed", lambda: [module])
    [task] = registry.scheduled_tasks()
    assert (task.pause(), task.run) == (60.0, tasks.purge_expired)


@pytest.mark.parametrize(
    ("schedule", "least", "most"),
    [(60, 60, 60), (timedelta(hours=2), 7200, 7200), (crontab(minute="0"), 1, 3601), (crontab(hour=3, minute=0), 1, 86401)],
)  # fmt: skip
def test_a_task_runs_after_a_pause_or_at_the_times_of_a_crontab(schedule, least, most):
    task = registry.ScheduledTask(schedule, list)
    assert least <= task.pause() <= most


def test_the_time_of_a_crontab_is_in_utc_and_is_met_once():
    schedule = crontab(hour=3, minute=0, nowfun=lambda: datetime(2026, 11, 27, 2, 59, 30, tzinfo=UTC))
    task = registry.ScheduledTask(schedule, list)
    assert task.is_at_fixed_times
    assert task.pause() == 31
    schedule.nowfun = lambda: datetime(2026, 11, 27, 3, 0, 1, tzinfo=UTC)  # when it has run
    assert task.pause() == 24 * 3600
