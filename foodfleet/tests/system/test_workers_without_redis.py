"""Without Redis, a session that ended is refused at its next call by every worker of a server."""

import os

import pytest
import requests

from conftest import PASSWORD
from foodfleet.tests import processes

ROUNDS = int(os.environ.get("REVOCATION_ROUNDS", "5"))
EMAIL = "ann@example.com"
DATABASES = [
    pytest.param("sqlite_url", marks=pytest.mark.once),
    pytest.param("postgres_url", marks=pytest.mark.postgres),
]


@pytest.fixture(params=DATABASES)
def api(request, start):
    """The address of the API of two workers."""
    off = {f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "USER")}
    values = {"DATABASE_URL": request.getfixturevalue(request.param), "ADMIN_REQUIRE_2FA": "false", **off}
    processes.manage("createsuperuser", "--noinput", "--email", EMAIL, DJANGO_SUPERUSER_PASSWORD=PASSWORD, **values)
    port = processes.free_port()
    start("web", processes.web_command(port, workers=2), **values)
    ready = f"http://127.0.0.1:{port}/health/live/"
    processes.wait_until(lambda: requests.get(ready, timeout=5).ok, what="the start")
    return f"http://127.0.0.1:{port}/api/v1"


def test_an_ended_session_is_refused_by_both_workers(api):
    for _ in range(ROUNDS):
        pair = requests.post(f"{api}/auth/login/", json={"email": EMAIL, "password": PASSWORD}, timeout=30).json()
        headers = {"Authorization": f"Bearer {pair['access']}"}

        def statuses(headers=headers):
            """Of calls on connections of their own, so that both workers answer some."""
            return {requests.get(f"{api}/users/me/", headers=headers, timeout=30).status_code for _ in range(8)}

        assert statuses() == {200}
        ended = requests.post(f"{api}/auth/logout/", json={"refresh": pair["refresh"]}, timeout=30)
        assert (ended.status_code, statuses()) == (204, {401})
