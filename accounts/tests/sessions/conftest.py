"""Fixtures of the tests of sessions: use a refresh token, call the API with an access token."""

import pytest

from conftest import bearer


@pytest.fixture
def refresh(api):
    return lambda token: api.post("/api/v1/auth/refresh/", {"refresh": token})


@pytest.fixture
def me(api):
    return lambda pair: api.get("/api/v1/users/me/", headers=bearer(pair)).status_code
