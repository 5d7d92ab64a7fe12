"""What looking at a page takes: the languages, themes and widths, and axe-core."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from conftest import PASSWORD

each_look = pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en-GB", "light", 1280), ("en-GB", "dark", 390), ("ar", "light", 390), ("ar", "dark", 1280)],
    ids=["English, light, wide", "English, dark, phone", "Arabic, light, phone", "Arabic, dark, wide"],
)


def violations(page):
    found = Axe().run(page).response["violations"]
    overflows = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    problems = [(page.url, rule["id"], node["html"][:160]) for rule in found for node in rule["nodes"]]
    return problems + ([(page.url, "scrolls sideways", "")] if overflows else [])


def look_at(page, paths):
    problems = []
    for path in paths:
        page.goto(path)
        problems += violations(page)
    return problems


def sign_in(page, user):
    page.goto("/login/")
    page.locator("#id_email").fill(user.email)
    page.locator("#id_password").fill(PASSWORD)
    submit(page)


def submit(page):
    with page.expect_navigation():
        page.locator("form.form button[type=submit]").first.click()
