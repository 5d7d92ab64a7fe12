"""Fixtures for the tests of roles and permissions."""

import pytest


@pytest.fixture
def root(make_user):
    return make_user("root@example.com", is_superuser=True, is_staff=True)


@pytest.fixture
def as_root(api, root):
    api.force_authenticate(root)
    return api
