"""Keys are rotated and revoked while several processes serve, without a restart."""

import jwt
import pytest
import requests

from foodfleet.tests import environment, processes

EMAIL, PASSWORD = "ann@example.com", "Grill-Fleet-2026!"


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


@pytest.fixture
def serve(start):
    def begin(**values):
        port = processes.free_port()
        start(f"web{port}", processes.web_command(port), **values)
        address = f"http://127.0.0.1:{port}"
        processes.wait_until(lambda: requests.get(f"{address}/health/live/", timeout=5).ok, what="the start")
        return address

    return begin


def walk(serve, **values):
    """Two processes; keys are made by a third, as an operator does it."""
    processes.manage("rotate_jwt_keys", **values)
    processes.manage("createsuperuser", "--noinput", "--email", EMAIL, DJANGO_SUPERUSER_PASSWORD=PASSWORD, **values)
    both = [serve(**values), serve(**values)]
    body = {"email": EMAIL, "password": PASSWORD}
    sign_in = lambda at: requests.post(f"{at}/api/v1/auth/login/", json=body, timeout=20).json()  # noqa: E731
    published = lambda at: [  # noqa: E731
        key["kid"] for key in requests.get(f"{at}/.well-known/jwks.json", timeout=20).json()["keys"]
    ]

    def passes(at, pair):
        header = {"Authorization": f"Bearer {pair['access']}"}
        return requests.get(f"{at}/api/v1/users/me/", headers=header, timeout=20).status_code == 200

    old = [sign_in(at) for at in both]
    assert all(passes(at, pair) for at in both for pair in old)
    assert [published(at) for at in both] == [[kid(old[0]["access"])]] * 2
    processes.manage("rotate_jwt_keys", **values)
    late = serve(**values)  # knows the new key alone as the one that signs
    new = sign_in(late)
    assert kid(new["access"]) != kid(old[0]["access"])
    everywhere = [*both, late]
    # Before anybody shows the new token to them.
    assert [published(at) for at in everywhere] == [[kid(new["access"]), kid(old[0]["access"])]] * 3
    assert all(passes(at, pair) for at in everywhere for pair in [*old, new])
    for at, pair in zip(everywhere, [*reversed(old), new], strict=True):
        again = requests.post(f"{at}/api/v1/auth/refresh/", json={"refresh": pair["refresh"]}, timeout=20)
        assert again.status_code == 200
        assert all(passes(other, again.json()) for other in everywhere)
    processes.wait_until(lambda: kid(sign_in(both[0])["access"]) == kid(new["access"]), what="signing with the new key")
    processes.manage("rotate_jwt_keys", "--revoke", **values)
    assert not any(passes(at, new) for at in everywhere)
    replaced = [sign_in(at) for at in everywhere]  # also where the old key is the one known to sign
    assert all(passes(at, pair) for at in everywhere for pair in replaced)
    assert kid(new["access"]) not in published(both[0])


@pytest.mark.once
def test_a_rotation_reaches_processes_that_share_nothing_but_sqlite(serve, sqlite_url):
    off = {f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "USER")}
    walk(serve, DATABASE_URL=sqlite_url, JWT_SIGNING_ALGORITHM="EdDSA", **off)


@pytest.mark.postgres
@pytest.mark.redis
def test_a_rotation_reaches_processes_on_postgres_and_redis(serve, postgres_url):
    off = {f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "USER")}
    walk(
        serve, DATABASE_URL=postgres_url, REDIS_URL=environment.REDIS_URL, JWT_SIGNING_ALGORITHM="RS256", **off
    )  # fmt: skip
