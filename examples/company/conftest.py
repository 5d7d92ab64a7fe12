"""Fixtures for the tests of all modules: `api`, `user`, `make_user`, `sign_in`, `allow`."""

pytest_plugins = ["foodfleet.testing.fixtures"]
