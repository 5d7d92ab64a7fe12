"""A pytest plugin that is loaded before Django's settings: the environment that tests run in.

FOODFLEET_TEST_SERVICES=1 puts the tests on PostgreSQL and Redis (TEST_DATABASE_URL, TEST_REDIS_URL, TEST_BROKER_URL);
without it they run on the embedded defaults. Each process of pytest-xdist has its own database and its own Redis database.
"""

import os
import shutil
from typing import Any

from foodfleet.testing import environment as _environment  # noqa: F401  sets what all tests run in

IS_XDIST_WORKER = "PYTEST_XDIST_WORKER" in os.environ
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ON_SERVICES = os.environ.get("FOODFLEET_TEST_SERVICES") == "1"
POSTGRES_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/foodfleet")
REDIS_HOST = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
BROKER_URL = os.environ.get("TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//")
FIRST_REDIS_DATABASE = int(os.environ.get("TEST_REDIS_DATABASE", "8"))
# Pages, forms, parsers and templates see no difference between databases: these folders' tests run as if marked `once`.
ONCE = (
    "accounts/tests/admin/", "accounts/tests/pages/", "accounts/tests/passwords/", "foodfleet/tests/core/http/",
    "notifications/tests/admin/", "notifications/tests/pages/", "notifications/tests/templates/",
)  # fmt: skip
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
REDIS_URL = f"{REDIS_HOST}/{FIRST_REDIS_DATABASE + WORKER}"

# Two hundred threads wait for one row, on a machine that does other things too.
os.environ["DATABASE_LOCK_TIMEOUT_SECONDS"] = "60"
if ON_SERVICES:
    os.environ.update(DATABASE_URL=POSTGRES_URL, REDIS_URL=REDIS_URL)


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out (deselect, not skip) what this pass is not for."""
    left_out = [item for item in items if _is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item: Any) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    if "browser" in marks and shutil.which(CHROMIUM) is None:  # in CI it has to be there: foodfleet/tests/run.py
        return True
    needs_services = bool(marks & {"postgres", "redis", "broker"})
    if not ON_SERVICES:
        return needs_services
    is_once = bool(marks & {"browser", "once"}) or (item.nodeid.startswith(ONCE) and "both" not in marks)
    return is_once and not needs_services
