"""The mailbox of a development machine."""

import threading

import pytest
from csp.middleware import CSPMiddleware
from django.test import RequestFactory

from notifications.gateways import mailbox
from notifications.pages.views.mailbox import mailbox_body

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_the_frame_of_a_mail_may_have_inline_styles(client):
    mailbox.save(channel="email", to=["ann@example.com"], subject="Hello", text="Hello", html="<p style='color:red'>")
    newest = mailbox.newest_first()[0]
    answer = CSPMiddleware(lambda request: mailbox_body(request, newest.id))(RequestFactory().get("/"))
    policy = answer["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert {"frame-ancestors 'self'", "script-src 'none'", "sandbox"} <= set(policy.split("; "))
    assert "unsafe-inline" not in client.get("/login/")["Content-Security-Policy"]


def test_the_page_says_channel_and_state_in_words(client, settings):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    mailbox.save(channel="sms", to=["+491701234567"], subject="", text="Your code is 123456")
    mailbox.save(channel="email", to=["ann@example.com"], subject="Hello", text="Hello")
    page = client.get("/dev/mailbox/").content.decode()
    assert '<span class="badge">E-mail</span> <span class="badge badge--good">Sent</span>' in page
    assert '<span class="badge">SMS</span>' in page


def test_the_mailbox_of_one_address_is_read_as_json(client, settings):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    mailbox.save(channel="email", to=["ann@example.com"], subject="Hello Ann", text="1")
    mailbox.save(channel="email", to=["bob@example.com"], subject="Hello Bob", text="2")
    by_parameter = client.get("/dev/mailbox/?to=Ann@example.com&format=json").json()["messages"]
    by_header = client.get("/dev/mailbox/?to=ann@example.com", headers={"Accept": "application/json"}).json()
    assert [message["subject"] for message in by_parameter] == ["Hello Ann"]
    assert by_header["messages"] == by_parameter
    assert by_parameter[0]["text_body"] == "1"
    assert "text/html" in client.get("/dev/mailbox/?to=ann@example.com", headers={"Accept": "*/*"})["Content-Type"]


def test_the_mailbox_waits_for_a_message_that_comes_later(client, settings):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    later = threading.Timer(
        0.3, lambda: mailbox.save(channel="email", to=["ann@example.com"], subject="Late", text="1")
    )
    later.start()
    assert "Late" in client.get("/dev/mailbox/?to=ann@example.com&wait=5").content.decode()
    later.join()


@pytest.mark.parametrize("wait", ["0", "-1", "x", "1e9", "²", ""])
def test_a_wait_that_is_no_number_of_seconds_is_none(client, settings, monkeypatch, wait):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    monkeypatch.setattr(mailbox.time, "sleep", lambda seconds: pytest.fail("waited"))
    assert client.get("/dev/mailbox/", {"to": "ann@example.com", "wait": wait}).status_code == 200


def test_a_wait_is_never_longer_than_ten_seconds(client, settings, monkeypatch):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    waited = []
    monkeypatch.setattr(mailbox, "wait_for", lambda to, seconds: waited.append(seconds) or [])
    client.get("/dev/mailbox/?wait=99999999999999999999")
    assert waited == [10]


def test_pages_link_mailbox_docs_and_admin_in_development_alone(client, settings):
    assert "/dev/mailbox/" not in client.get("/login/").content.decode()
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    page = client.get("/", follow=True).content.decode()
    for path in ("/dev/mailbox/", "/api/v1/docs/", "/admin/"):
        assert f'href="{path}"' in page
