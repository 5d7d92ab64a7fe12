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


@pytest.mark.parametrize("process", LOADED)
def test_processes_load_no_library_that_only_others_need(process, tmp_path):
    values = processes.environment_of(
        DATABASE_URL=f"sqlite:///{tmp_path / 'fleet.sqlite3'}", DJANGO_SETTINGS_MODULE="foodfleet.settings"
    )
    names = tmp_path / "modules"  # not stdout: what a web process prints becomes a log line
    code = f"{LOADED[process]}; import sys; open({str(names)!r}, 'w').write(' '.join(sys.modules))"
    subprocess.run([sys.executable, "-c", code], cwd=processes.ROOT, env=values, check=True, capture_output=True)
    loaded = set(names.read_text().split())
    assert "accounts.models" in loaded
    assert not loaded & NEVER_LOADED


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
