"""Checks of settings that are wrong together."""

import subprocess

import pytest
from django.core.checks import run_checks

from foodfleet.core import checks
from foodfleet.core.http import ip_addresses
from foodfleet.tests import processes

pytestmark = pytest.mark.once
REDIRECTS = "foodfleet.W001"


@pytest.mark.parametrize(
    ("url", "proxies", "ids"),
    [
        ("https://accounts.example.com", [], [REDIRECTS]),
        ("https://accounts.example.com", ["10.0.0.0/8"], []),
        ("http://localhost:8000", [], []),
    ],
)
def test_https_without_a_trusted_proxy_is_warned_of(settings, url, proxies, ids):
    settings.PUBLIC_URL, settings.TRUSTED_PROXIES = url, [ip_addresses.network(proxy) for proxy in proxies]
    assert [message.id for message in checks.https_needs_a_trusted_proxy(None)] == ids
    assert [message.id for message in run_checks() if message.id == REDIRECTS] == ids


def make_check(**values):
    """(status, output) of `make check`."""
    result = subprocess.run(
        ["make", "check"],
        cwd=processes.ROOT, env=processes.environment_of(**values), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return result.returncode, result.stdout + result.stderr


def test_the_check_of_a_deployment_passes_with_nothing_set():
    status, output = make_check()
    assert status == 0, output


@pytest.mark.parametrize(
    ("values", "notice"),
    [
        ({"PUBLIC_URL": "https://accounts.example.com"}, REDIRECTS),
        ({"PUBLIC_URL": "http://accounts.example.com"}, "security.W008"),
        ({"DEBUG": "true"}, "security.W018"),
        ({"SECRET_KEY": "k" * 40}, "security.W009"),
    ],
)
def test_the_check_of_a_deployment_looks_at_the_operators_own_settings(values, notice):
    status, output = make_check(**values)
    assert (status == 0, notice in output) == (False, True), output
