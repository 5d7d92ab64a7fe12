"""Chromium opens the pages of a live server."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from foodfleet.tests.environment import CHROMIUM

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(live_server: Any, settings: Any) -> str:
    """Where the pages are served: on `localhost`, which browsers trust with passkeys."""
    settings.PUBLIC_URL = live_server.url.replace("127.0.0.1", "localhost")
    return settings.PUBLIC_URL


@pytest.fixture
def open_browser(chromium: Any, site: str) -> Iterator[Any]:
    """Open a page in a fresh browser profile; options are Playwright's."""
    contexts = []

    def call(**options: Any) -> Any:
        context = chromium.new_context(base_url=site, **{"locale": "en-GB", **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield call
    for context in contexts:
        context.close()


@pytest.fixture
def opened(open_browser, user):
    """A browser in Ann's language."""

    def call(language, width):
        user.language = language[:2]
        user.save()
        return open_browser(locale=language, viewport={"width": width, "height": 900})

    return call
