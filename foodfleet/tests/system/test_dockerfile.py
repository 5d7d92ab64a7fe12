"""The steps of the Dockerfile in a plain Debian, and the image that they make. Takes minutes, so it runs when asked to.

    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie /srv/trixie
    FOODFLEET_TEST_DOCKERFILE=/srv/trixie python -m pytest foodfleet/tests/system/test_dockerfile.py

It needs root, to change the root directory and to mount it read-only.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from foodfleet.tests import processes
from foodfleet.tests.system.image import Image

PORT = processes.free_port()
BASE = os.environ.get("FOODFLEET_TEST_DOCKERFILE")
pytestmark = [pytest.mark.once, pytest.mark.skipif(not BASE, reason="FOODFLEET_TEST_DOCKERFILE names no Debian")]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return Image(tmp_path_factory.mktemp("image"), BASE)


@pytest.fixture
def run(image, sqlite_url, tmp_path):
    """Start a command in the image: its database is in /tmp, a folder of this test."""
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    shutil.move(tmp_path / "fleet.sqlite3", tmp)
    subprocess.run(["chown", "-R", image.user, tmp], check=True)
    own = {"SECRET_KEY": processes.SECRET_KEY, "DATABASE_URL": "sqlite:////tmp/fleet.sqlite3", "PORT": str(PORT)}

    def begin(command):
        log = (tmp_path / "log").open("w")
        return subprocess.Popen(
            image.within(command, tmp=tmp), env={**image.env, **own}, stdout=subprocess.PIPE, stderr=log, text=True
        )

    yield begin
    print((tmp_path / "log").read_text()[-3000:])


def test_the_image_serves_as_its_user_and_stops_at_sigterm(image, run):
    address = f"http://127.0.0.1:{PORT}"
    web = run(image.command)
    processes.wait_until(lambda: requests.get(f"{address}/health/live/", timeout=2).ok, what="the start")
    page = requests.get(f"{address}/login/", timeout=20).text
    style = re.search(r'rel="stylesheet" href="([^"]+)"', page)[1]
    assert requests.get(f"{address}{style}", timeout=20).headers["Content-Type"].startswith("text/css")
    assert run(image.healthcheck).wait(60) == 0
    assert Path(f"/proc/{web.pid}").stat().st_uid == int(image.user)
    web.terminate()
    assert web.wait(40) == 0
    assert run(image.healthcheck).wait(60) == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("python manage.py migrate --check", ""),
        ("id -u", "10001"),
        ("touch /app/x 2>&1 || true", "Read-only file system"),
        ("ls docs benchmarks conftest.py .venv 2>/dev/null || true", ""),
        ("find /app -name tests -o -name .git; command -v gcc || true", ""),
        ("celery --app foodfleet report", "software -> celery:5"),
    ],
)
def test_a_command_in_the_image(run, command, says):
    done = run(["sh", "-c", command])
    said, _ = done.communicate(timeout=120)
    assert done.returncode == 0
    assert says in said if says else not said
