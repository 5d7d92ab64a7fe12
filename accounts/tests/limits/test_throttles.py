"""Rate limits of one IP address and one network, at each endpoint that checks passwords or codes or sends email."""

import pytest
from django.test import Client as Browser

from foodfleet.core.http.throttling import NETWORK_FACTOR
from foodfleet.environment import Environment

pytestmark = pytest.mark.django_db

LIMIT = 3
A_DAY = 24 * 3600  # so that no window ends within a test
PROXY = "10.0.0.1"
EMAIL = {"email": "nobody@example.com"}
PASSWORD_TOO = {**EMAIL, "password": "Wrong-Guess-1!"}
ENDPOINTS = {
    "/api/v1/auth/login/": ("login", PASSWORD_TOO),
    "/api/v1/auth/register/": ("register", {**EMAIL, "password": "weak"}),
    "/api/v1/auth/password/forgot/": ("forgot", EMAIL),
    "/api/v1/auth/password/reset/": ("forgot", {"token": "x", "password": "weak"}),
    "/api/v1/auth/email/resend/": ("forgot", EMAIL),
    "/api/v1/auth/email/change/undo/": ("forgot", {"token": "x"}),
    "/api/v1/auth/compromise/": ("forgot", {"token": "x"}),
    "/api/v1/auth/login/verify/": ("2fa", {"challenge": "x", "method": "totp", "code": "000000"}),
    "/api/v1/auth/login/sms/": ("forgot", {"challenge": "x"}),
    "/login/": ("login", PASSWORD_TOO),
    "/register/": ("register", {**EMAIL, "password": "weak"}),
    "/password/forgot/": ("forgot", EMAIL),
    "/email/resend/": ("forgot", EMAIL),
}


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.THROTTLE_RATES = dict.fromkeys(["login", "register", "forgot", "2fa"], (LIMIT, A_DAY)) | {"user": None}


@pytest.fixture
def send():
    """Send a request to an endpoint from an IP address: `send(path, ip)`."""

    def ask(path, ip, forwarded=None):
        body = ENDPOINTS[path][1]
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        kind = {"content_type": "application/json"} if path.startswith("/api/") else {}
        return Browser(raise_request_exception=False).post(path, body, headers=headers, REMOTE_ADDR=ip, **kind)

    return ask


@pytest.mark.parametrize("path", ENDPOINTS)
def test_each_endpoint_limits_one_ip_address_and_sends_retry_after(send, path):
    for _ in range(LIMIT):
        assert send(path, "203.0.113.9").status_code != 429
    refused = send(path, "203.0.113.9")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= A_DAY
    assert send(path, "203.0.113.10").status_code != 429
    assert send(path, "203.0.113.9").status_code == 429


@pytest.mark.parametrize("path", ENDPOINTS)
def test_each_endpoint_limits_one_network(send, path):
    for host in range(LIMIT * NETWORK_FACTOR):
        assert send(path, f"203.0.113.{host}").status_code != 429
    refused = send(path, "203.0.113.200")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert send(path, "198.51.100.7").status_code != 429


def test_a_throttled_response_has_the_error_format(send):
    for _ in range(LIMIT):
        send("/api/v1/auth/login/", "203.0.113.9")
    body = send("/api/v1/auth/login/", "203.0.113.9").json()
    assert (body["code"], set(body)) == ("throttled", {"error", "code", "details", "request_id"})


def test_page_and_api_of_one_subject_are_counted_together(send):
    for path in ("/login/", "/api/v1/auth/login/", "/login/"):
        assert send(path, "203.0.113.9").status_code != 429
    assert send("/api/v1/auth/login/", "203.0.113.9").status_code == 429
    assert send("/login/", "203.0.113.9").status_code == 429


def test_each_throttle_counts_its_own_endpoint(send):
    for _ in range(LIMIT + 1):
        send("/api/v1/auth/login/", "203.0.113.9")
    assert send("/api/v1/auth/password/forgot/", "203.0.113.9").status_code == 202


def test_a_forwarding_header_from_an_untrusted_peer_is_ignored(send):
    answers = [send("/login/", "203.0.113.9", forwarded=f"198.51.100.{n}").status_code for n in range(LIMIT + 1)]
    assert answers[-1] == 429


def test_a_forged_entry_before_a_trusted_proxy_is_ignored(send, settings):
    settings.TRUSTED_PROXIES = Environment({"TRUSTED_PROXIES": PROXY}).networks("TRUSTED_PROXIES")
    answers = [send("/login/", PROXY, f"198.51.100.{n}, 203.0.113.9").status_code for n in range(LIMIT + 1)]
    assert answers[-1] == 429


def test_clients_behind_a_trusted_proxy_are_counted_apart(send, settings):
    settings.TRUSTED_PROXIES = Environment({"TRUSTED_PROXIES": PROXY}).networks("TRUSTED_PROXIES")
    for network in range(20):
        assert send("/login/", PROXY, f"198.51.{network}.7").status_code != 429


def test_clients_of_a_socket_for_both_protocols_are_counted_apart(send):
    for network in range(20):
        assert send("/login/", f"::ffff:198.51.{network}.7").status_code != 429


def test_addresses_of_one_64_prefix_share_a_limit(send):
    for host in range(LIMIT):
        assert send("/login/", f"2001:db8:1:2::{host}").status_code != 429
    assert send("/login/", "2001:db8:1:2:ffff::1").status_code == 429
    assert send("/login/", "2001:db8:1:3::1").status_code != 429


def test_64_prefixes_of_one_network_share_a_limit(send):
    for prefix in range(LIMIT * NETWORK_FACTOR):
        assert send("/login/", f"2001:db8:1:{prefix:x}::1").status_code != 429
    assert send("/login/", "2001:db8:1:ffff::1").status_code == 429
    assert send("/login/", "2001:db8:2::1").status_code != 429


def test_a_switched_off_limit_lets_everybody_in(send, settings):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": None}
    assert {send("/login/", "203.0.113.9").status_code for _ in range(30)} == {401}


@pytest.mark.redis
def test_what_was_counted_in_redis_is_not_counted_in_the_database(send):
    from foodfleet.core.models import RateLimit

    send("/login/", "203.0.113.9")
    assert not RateLimit.objects.filter(key__startswith="window:").exists()
