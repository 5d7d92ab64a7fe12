"""Check pages with axe-core in both languages' directions, themes and widths."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from conftest import PASSWORD

each_look = pytest.mark.parametrize(
    ("language", "width"), [("en-GB", 1280), ("ar", 390)], ids=["English, wide first", "Arabic, phone first"]
)
OTHER_WIDTH = {1280: 390, 390: 1280}


def violations(page):
    """Check all rules from left to right, in light; from right to left the contrast in dark; overflow at each width."""
    page.evaluate(Axe().axe_script)
    size, is_mirrored = page.viewport_size, page.evaluate("document.documentElement.dir === 'rtl'")
    problems = overflow_of(page) + ([] if is_mirrored else problems_of(page, {}))
    page.set_viewport_size({**size, "width": OTHER_WIDTH[size["width"]]})
    if is_mirrored:
        page.emulate_media(color_scheme="dark")
        page.evaluate("document.getAnimations().forEach(one => one.finish())")  # transitions between colours
        problems += problems_of(page, {"runOnly": ["color-contrast"]})
    problems += overflow_of(page)
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="light")
    return problems


def problems_of(page, options):
    found = page.evaluate("options => axe.run({resultTypes: ['violations'], ...options})", options)["violations"]
    return [(page.url, rule["id"], node["html"][:160]) for rule in found for node in rule["nodes"]]


def overflow_of(page):
    overflows = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [(page.url, "scrolls sideways", "")] if overflows else []


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
