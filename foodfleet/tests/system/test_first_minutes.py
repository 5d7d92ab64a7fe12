"""First steps after a clone: the README's session, the printed address, every command."""

import json
import os
import re
import socket
import subprocess
import uuid

import pytest
import requests

from foodfleet.__main__ import use_embedded_settings_in_a_fresh_folder
from foodfleet.tests import processes

pytestmark = pytest.mark.once
README = (processes.ROOT / "README.md").read_text()


def manage(*arguments, **environment):
    """Run manage.py with this environment alone."""
    return subprocess.run(
        [processes.sys.executable, "manage.py", *arguments], cwd=processes.ROOT, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], **environment}, check=False, timeout=60,
    )  # fmt: skip


def test_the_session_of_the_readme_can_be_pasted_repeatedly(served):
    session = re.search(r"## A first session.*?```sh\n(.*?)```", README, re.DOTALL)[1]
    assert "localhost:8000" in session
    run = uuid.uuid4().hex[:8]
    for number in range(5):
        email = f"ann-{run}-{number}@example.com"
        pasted = session.replace("localhost:8000", f"localhost:{served.port}").replace("ann@example.com", email)
        result = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, check=False, timeout=60)
        assert result.stderr == "", (number, result.stderr)
        assert f'"email":"{email}"' in result.stdout, (number, result.stdout)
        assert json.loads(result.stdout[result.stdout.rindex("{") :])["refresh"]


def test_the_printed_addresses_are_those_where_passkeys_work(served):
    printed = set(re.findall(r"http://[^/\s]+", served.log.read_text().split("Starting development")[0]))
    assert printed == {f"http://localhost:{served.port}"}


def test_a_browser_at_the_ip_address_is_led_to_localhost(served):
    page, browser = f"127.0.0.1:{served.port}/login/?next=/account/", {"Sec-Fetch-Mode": "navigate"}
    led = requests.get(f"http://{page}", headers=browser, allow_redirects=False, timeout=5)
    assert (led.status_code, led.headers["Location"]) == (302, f"http://localhost:{served.port}/login/?next=/account/")
    assert requests.get(f"http://{page}", allow_redirects=False, timeout=5).status_code == 200
    posted = requests.post(f"http://{page}", headers=browser, allow_redirects=False, timeout=5)
    assert posted.status_code == 403  # no CSRF token: answered where it was sent


def test_a_taken_port_is_reported_before_anything_else(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = {"PATH": os.environ["PATH"], "DEBUG": "true", "DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3"}
        result = subprocess.run(
            [processes.sys.executable, "-m", "foodfleet", "run", address],
            cwd=processes.ROOT, capture_output=True, text=True, env=environment, check=False, timeout=60,
        )  # fmt: skip
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(r"CommandError: Port \d+ is taken .*PORT=8001\n", result.stderr)


def test_every_command_works_without_an_environment():
    result = manage("diffsettings", "--all")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^DEBUG = True", result.stdout, re.MULTILINE)
    assert re.search(r"^### ADMIN_REQUIRE_2FA = False|ADMIN_REQUIRE_2FA = False", result.stdout)


def test_a_deployment_without_its_secret_is_refused():
    result = manage("check", PUBLIC_URL="https://example.com")
    assert result.returncode == 1
    assert result.stderr.startswith("FoodFleet cannot start. SECRET_KEY is not set")


@pytest.mark.parametrize("environment", [
    {"DEBUG": "false"}, {"DATABASE_URL": "postgres://a@127.0.0.1/b"}, {"REDIS_URL": "redis://127.0.0.1"},
    {"CELERY_BROKER_URL": "redis://127.0.0.1"}, {"PUBLIC_URL": "https://example.com"}, {"SECRET_KEY_FILE": "/run/secret"},
])  # fmt: skip
def test_a_deployment_gets_no_embedded_settings(environment, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(environment))
    use_embedded_settings_in_a_fresh_folder()
    assert os.environ == environment


def test_the_deployment_check_never_uses_embedded_settings():
    assert "SECRET_KEY is not set" in manage("check", "--deploy").stderr
