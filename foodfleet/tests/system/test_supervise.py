"""The processes of `make serve`, `make run` and `make worker` are restarted, and end together."""

import contextlib
import os
import signal
import sys

import pytest

from foodfleet import supervise
from foodfleet.tests import processes

pytestmark = pytest.mark.once

SUPERVISE = '''
import sys
from django.conf import settings
from django.utils.log import configure_logging
from foodfleet.supervise import Part, Supervisor
configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
write_pid = """if True:
    import os, subprocess, sys, time
    child = subprocess.Popen(["sleep", "60"])
    for path, pid in [(f"{sys.argv[1]}-child", child.pid), (sys.argv[1], os.getpid())]:
        with open(path, "w") as file:
            file.write(str(pid))
    time.sleep(60)
"""
parts = [Part(name, [sys.executable, "-c", write_pid, f"{sys.argv[1]}/{name}"], name == "server")
         for name in ("server", "delivery")]
sys.exit(Supervisor(parts).run())
'''


def is_running(pid):
    """A zombie that nobody has waited for does not run."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def supervised(start, tmp_path):
    """A supervisor of two processes; the pid of each as it is now."""
    process = start(
        "supervisor", [sys.executable, "-c", SUPERVISE, str(tmp_path)], DJANGO_SETTINGS_MODULE="foodfleet.settings"
    )

    def pid(name, other_than=None):
        path = tmp_path / name

        def found():
            text = path.read_text() if path.exists() else ""
            return int(text) if text and int(text) != other_than else None

        return processes.wait_until(found, what=f"the start of {name}")

    return process, pid


def test_a_process_that_was_killed_is_started_again_and_logged(supervised):
    process, pid = supervised
    first = pid("delivery")
    server = pid("server")
    os.kill(first, signal.SIGKILL)
    assert is_running(pid("delivery", other_than=first))
    assert pid("server") == server
    assert '"process": "delivery"' in process.log.read_text()


def test_the_end_of_the_server_ends_the_other_processes(supervised):
    process, pid = supervised
    delivery, child = pid("delivery"), pid("server-child")
    os.kill(pid("server"), signal.SIGKILL)
    assert process.popen.wait(10) == 128 + signal.SIGKILL
    assert not is_running(delivery)
    processes.wait_until(lambda: not is_running(child), what="the end of what the server had started")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_processes(supervised, number):
    process, pid = supervised
    pids = [pid("server"), pid("delivery")]
    os.kill(process.popen.pid, number)
    assert process.popen.wait(10) == 0
    assert not any(map(is_running, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_no_process_outlives_a_supervisor_that_was_killed(supervised):
    process, pid = supervised
    pids = [pid("server"), pid("delivery")]
    os.kill(process.popen.pid, signal.SIGKILL)
    process.popen.wait(10)
    processes.wait_until(lambda: not any(map(is_running, pids)), what="the end of both")


@pytest.mark.parametrize("target", ["serve", "run"])
@pytest.mark.parametrize(("broker", "names"), [("", ["server", "delivery"]), ("amqp://broker", ["server"])])
def test_a_server_without_a_broker_has_a_delivery_process_beside_it(settings, target, broker, names):
    settings.CELERY_BROKER_URL = broker
    parts = supervise.parts_of(target, ["--port", "8123"])
    assert [part.name for part in parts] == names
    assert [part.name for part in parts if part.is_main] == ["server"]
    assert parts[0].command[-2:] == ["--port", "8123"]


def test_run_serves_on_loopback_unless_it_is_told_an_address(settings):
    settings.PORT = 8123
    assert supervise.parts_of("run", [])[0].command[-2:] == ["run_embedded", "127.0.0.1:8123"]


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "foodfleet", "worker"],
        ["-m", "foodfleet", "beat"],
        ["-m", "celery", "--app", "foodfleet", "worker"],
        ["-m", "celery", "--app", "foodfleet", "beat", "--scheduler", "celery.beat:Scheduler"],
    ],
)
def test_workers_and_beat_without_a_broker_say_so_and_end(start, command):
    process = start("worker", [sys.executable, *command], LOG_LEVEL="ERROR")
    assert process.popen.wait(30) == 1
    notice = [line for line in process.log.read_text().splitlines() if line.startswith("FoodFleet cannot start.")]
    assert len(notice) == 1
    assert "CELERY_BROKER_URL is not set" in notice[0]
