"""Check pages with axe-core in both languages' directions, themes and widths."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from conftest import PASSWORD

each_look = pytest.mark.parametrize(
    ("language", "width"), [("en-GB", 1280), ("ar", 390)], ids=["English, wide first", "Arabic, phone first"]
)
OTHER_WIDTH = {1280: 390, 390: 1280}


def violations(page):
    """Check all rules; then, in dark and at the other width, what depends on them: contrast and overflow."""
    page.evaluate(Axe().axe_script)
    problems = problems_of(page)
    size = page.viewport_size
    page.set_viewport_size({**size, "width": OTHER_WIDTH[size["width"]]})
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.getAnimations().forEach(one => one.finish())")  # transitions between the themes' colours
    problems += problems_of(page, ["color-contrast"])
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="light")
    return problems


def problems_of(page, rules=None):
    found = page.evaluate("rules => axe.run(rules ? {runOnly: rules} : {})", rules)["violations"]
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
