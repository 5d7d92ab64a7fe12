"""Pages answer any field value."""

import pytest
from django.test import Client as Browser

from conftest import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]  # PostgreSQL refuses other values

VALUES = [
    "", "a\x00b", "é" * 300, "a" * 20_000, "a@b.co\r\nBcc: x@y.z", "Ann <a@b.co>", "😀", "[]", "//evil.example", "\u202e",
    "０１２３４５", "ann@example.com",
]  # fmt: skip
PAGES = {
    "/login/": ["email", "password", "next", "credential", "challenge"],
    "/login/verify/": ["code", "method"],
    "/login/sms/": ["method"],
    "/register/": ["email", "password", "first_name", "last_name", "phone"],
    "/password/forgot/": ["email"],
    "/email/resend/": ["email"],
    "/account/": ["first_name", "last_name", "language"],
    "/account/password/": ["current_password", "new_password"],
    "/account/email/": ["email", "password"],
    "/account/phone/": ["phone"],
    "/account/phone/verify/": ["code"],
    "/account/reauthenticate/": ["password", "code", "next"],
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_whatever_a_field_holds(user, page):
    browser = Browser(raise_request_exception=False)
    if page.startswith("/account/"):
        browser.post("/login/", {"email": user.email, "password": PASSWORD})
    crashed = []
    for value in VALUES:
        answers = [browser.get(page, dict.fromkeys(PAGES[page], value))]
        answers += [browser.post(page, {**dict.fromkeys(PAGES[page], "x"), field: value}) for field in PAGES[page]]
        crashed += [(value[:20], answer.status_code) for answer in answers if answer.status_code >= 500]
    assert crashed == []
