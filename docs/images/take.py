"""Take the pictures of README.md: `.venv/bin/python docs/images/take.py` while `make run` serves the demo company."""

import os
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

SITE = f"http://localhost:{os.environ.get('PORT', '8000')}"
PERSON = {"email": "administrator@example.com", "password": "Demo-Fleet-2026!"}  # as `manage.py demo` prints them
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
LISTS = {"user": "accounts/user/?locked=yes", "message": "notifications/message/?retriable=yes"}  # the first of each
SIZE: Any = {"width": 1280, "height": 800}
COLOURS = 256  # pages need no more, and the file is a third as large


def save(page: Page, name: str) -> None:
    """Save the page as a small PNG beside this file."""
    path = Path(__file__).with_name(name)
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Sign in as the administrator and save the home page, a locked person and a failed message."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, locale="en-GB")
        page.set_default_timeout(120_000)
        page.goto(f"{SITE}/login/")
        for field, value in PERSON.items():
            page.locator(f"#id_{field}").fill(value)
        with page.expect_navigation():
            page.locator("form.form button[type=submit]").first.click()
        page.goto(f"{SITE}/admin/")
        save(page, "admin-home.png")
        for name, listed in LISTS.items():
            page.goto(f"{SITE}/admin/{listed}")
            with page.expect_navigation():
                page.locator("#result_list tbody th a").first.click()
            page.wait_for_load_state("networkidle")
            save(page, f"admin-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
