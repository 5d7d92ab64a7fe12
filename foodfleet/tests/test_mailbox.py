"""The mailbox of a development machine."""

import pytest
from csp.middleware import CSPMiddleware
from django.test import RequestFactory

from notifications.gateways import mailbox
from notifications.pages.views.mailbox import mailbox_body

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_the_frame_of_a_mail_may_have_inline_styles(client):
    mailbox.keep(channel="email", to=["ann@example.com"], subject="Hello", text="Hello", html="<p style='color:red'>")
    newest = mailbox.newest_first()[0]
    answer = CSPMiddleware(lambda request: mailbox_body(request, newest.id))(RequestFactory().get("/"))
    policy = answer["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert {"frame-ancestors 'self'", "script-src 'none'", "sandbox"} <= set(policy.split("; "))
    assert "unsafe-inline" not in client.get("/login/")["Content-Security-Policy"]


def test_the_page_says_channel_and_state_in_words(client, settings):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    mailbox.keep(channel="sms", to=["+491701234567"], subject="", text="Your code is 123456")
    mailbox.keep(channel="email", to=["ann@example.com"], subject="Hello", text="Hello")
    page = client.get("/dev/mailbox/").content.decode()
    assert '<span class="badge">E-mail</span> <span class="badge badge--good">Sent</span>' in page
    assert '<span class="badge">Text</span>' in page
