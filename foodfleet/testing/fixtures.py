"""Fixtures for the tests of the product and of modules: a client of the API, users, and permissions in scopes.

A project names this module in `pytest_plugins` of its conftest.py, with `foodfleet.testing.environment`.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import translation

from accounts.models import User
from foodfleet.core import heartbeats
from foodfleet.core.cache import announcements, coherent, shared
from foodfleet.core.database.postgres.server import server
from foodfleet.core.http import after_response
from foodfleet.testing import PASSWORD
from notifications.receivers.dispatch import notifier
from notifications.services.delivery import in_process, liveness


def pytest_configure() -> None:
    """Serve static files under their own names: they are not collected for tests.

    WhiteNoise would otherwise scan all of them for each test client.
    """
    from django.conf import settings

    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    """Clear all caches and state before and after each test, and drop an unfinished request of an earlier test."""
    shared.forget_loss()
    notifier.reset()
    after_response.forget()
    server.forget()
    heartbeats.forget()
    coherent.clear()
    _empty_shared_cache()
    yield
    _empty_shared_cache()


def _empty_shared_cache() -> None:
    """Delete all keys but the registry of leases: without it, the next writer waits until every lease has ended."""
    redis = shared.client()
    if redis is None:
        cache.clear()
    elif names := [name for name in redis.scan_iter() if name not in map(str.encode, announcements.KEYS)]:
        redis.delete(*names)


@pytest.fixture(autouse=True)
def _patient_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let delivery in the request take as long as a slow machine needs."""
    monkeypatch.setattr(in_process, "TIMEOUT", 60.0)


@pytest.fixture(autouse=True)
def _just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let delivery, which does not run in tests, count as just started."""
    monkeypatch.setattr(liveness, "_started", time.monotonic())


@pytest.fixture(autouse=True)
def _default_language() -> Iterator[None]:
    """Reset the language of the last request, which stays active in its thread."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _own_var(settings: Any, tmp_path: Path) -> None:
    """Write files to a temporary folder instead of var/."""
    settings.VAR_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def api() -> Any:
    """A client of the REST framework without a session."""
    from rest_framework.test import APIClient

    return APIClient(raise_request_exception=False)


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """Make a user with a confirmed address and PASSWORD."""
    from django.utils import timezone

    def make(email: str = "ann@example.com", password: str | None = PASSWORD, **fields: Any) -> User:
        fields.setdefault("email_verified_at", timezone.now())
        return User.objects.create_user(email, password, **fields)

    return make


@pytest.fixture
def user(make_user: Callable[..., User]) -> User:
    """Ann, who can sign in with PASSWORD."""
    return make_user()


@pytest.fixture
def sign_in(api: Any) -> Callable[..., dict[str, Any]]:
    """Sign in over the API; return the response."""

    def call(email: str = "ann@example.com", password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
        response = api.post("/api/v1/auth/login/", {"email": email, "password": password, **fields})
        assert response.status_code == 200, response.content
        result: dict[str, Any] = response.json()
        return result

    return call


@pytest.fixture
def allow(db: None) -> Callable[..., Any]:
    """Give a user a role of their own with these codenames: `allow(user, "users:read", scope="fleet:12")`."""
    from rbac.services import assignments, roles

    def give(user: User, *codenames: str, **how: Any) -> Any:
        role = roles.create(actor=None, edit=roles.RoleEdit(name=f"role {uuid.uuid4()}", permissions=codenames))
        return assignments.grant(actor=None, user=user, role=role, **how)

    return give
