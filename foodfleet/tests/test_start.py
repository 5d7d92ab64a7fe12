"""How the processes of `make serve` start: which modules they load, and when static files are collected."""

import os
import subprocess
import sys
import time

import pytest
from django.core.management import call_command

from foodfleet.tests import processes

pytestmark = pytest.mark.once
LOADED = {
    "web": "from foodfleet import serve; serve.load_application()",
    "delivery": "import django; django.setup(); from notifications.management.commands import deliver_due",
}
# What only processes load that send by Amazon, that use a broker, or that report to OpenTelemetry or Sentry. (redis itself
# loads the metrics of OpenTelemetry, where that is installed.)
NEVER_LOADED = {
    "boto3", "botocore", "django_ses", "storages", "celery", "kombu", "amqp", "moto", "pytest", "opentelemetry.exporter",
    "opentelemetry.instrumentation", "sentry_sdk",
}  # fmt: skip


@pytest.fixture
def value_in_process(tmp_path):
    """Run code in a new process; returns the value of an expression after it."""

    def evaluate(code, expression, **environment):
        values = processes.environment_of(
            DATABASE_URL=f"sqlite:///{tmp_path / 'fleet.sqlite3'}",
            DJANGO_SETTINGS_MODULE="foodfleet.settings",
            **environment,
        )
        result = tmp_path / "result"  # not stdout: what a web process prints becomes a log line
        code = f"{code}; open({str(result)!r}, 'w').write({expression})"
        subprocess.run([sys.executable, "-c", code], cwd=processes.ROOT, env=values, check=True, capture_output=True)
        return result.read_text()

    return evaluate


@pytest.mark.parametrize("process", LOADED)
def test_processes_load_no_library_that_only_others_need(process, value_in_process):
    loaded = set(value_in_process(f"{LOADED[process]}; import sys", "' '.join(sys.modules)").split())
    assert "accounts.models" in loaded
    assert not loaded & NEVER_LOADED


def test_workers_share_the_patterns_of_browsers(value_in_process):
    code = f"{LOADED['web']}; import ua_parser; was_built = 'parser' in vars(ua_parser)"
    assert value_in_process(code, "str(was_built)") == "True"


@pytest.mark.parametrize(("environment", "threads"), [({}, "4"), ({"WEB_THREADS": "2"}, "2")])
def test_a_web_process_has_as_many_threads_as_web_threads_says(environment, threads, value_in_process):
    code = (
        "from unittest import mock; from foodfleet.core.http.bodies.wsgi_bridge import WSGIBridge; "
        "made = mock.patch.object(WSGIBridge, '__init__', return_value=None).start(); import foodfleet.asgi"
    )
    assert value_in_process(code, "str(made.call_args.kwargs['threads'])", **environment) == threads


@pytest.fixture
def collected(settings, tmp_path):
    """Collect into a folder of this test; returns a call that tells whether there was something to do."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "page.css").write_text("a {}")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "var" / "static"  # made by the command
    copy = settings.STATIC_ROOT / "page.css"

    def collect():
        before = copy.stat().st_mtime_ns if copy.exists() else 0
        call_command("collectstatic", if_changed=True, interactive=False, verbosity=0)
        return copy.stat().st_mtime_ns != before

    return collect


def change(tmp_path):
    """Write a new version of the source, a minute later."""
    path = tmp_path / "source" / "page.css"
    path.write_text("b { }")
    os.utime(path, (time.time() + 60, time.time() + 60))


def test_static_files_are_collected_only_where_one_changed(collected, settings, tmp_path):
    assert [collected(), collected()] == [True, False]
    change(tmp_path)
    assert [collected(), collected()] == [True, False]
    (settings.STATIC_ROOT / "page.css").unlink()
    assert [collected(), collected()] == [True, False]


def test_collecting_that_failed_is_repeated(collected, tmp_path, monkeypatch):
    collected()
    change(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr("django.contrib.staticfiles.storage.StaticFilesStorage.save", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            collected()
    assert collected()
