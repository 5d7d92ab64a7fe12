"""What people want to get, and the unsubscribe links of users and of addresses without an account."""

import re
from email import message_from_bytes
from email.policy import default

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from notifications.models import Message, Suppression
from notifications.services.audience import preferences
from notifications.services.audience.suppression import suppress
from notifications.services.compose.email import EmailExtras, queue_templated_email, send_email
from notifications.services.compose.policies import MARKETING, SECURITY
from notifications.services.compose.writing import MessageDraft
from notifications.states import Kind

pytestmark = pytest.mark.django_db(transaction=True)  # each channel is sent in a thread of its own

EMAIL = "/api/v1/notifications/email/"
NEWS = {"to": ["Zoe <Zoe@Example.com>"], "subject": "New trucks", "text": "Come and see", "kind": "marketing"}
BULK = MessageDraft(policy=MARKETING)


@pytest.fixture
def staff(api, user, allow):
    """The API's client as somebody who may send."""
    allow(user, "notifications:send")
    api.force_authenticate(user)
    return api


def sent():
    """The mails that went out, as a reader's program has them."""
    call_command("deliver_due")
    return [message_from_bytes(one.message().as_bytes(), policy=default) for one in mail.outbox]


def path_in(received):
    """The path of the link that the mail's button posts to."""
    return received["List-Unsubscribe"].strip("<> ").removeprefix("http://testserver")


def send_news(staff, **more):
    """Send the news; returns where they then stand."""
    answer = staff.post(EMAIL, {**NEWS, **more})
    assert answer.status_code == 202
    call_command("deliver_due")
    return Message.objects.get(pk=answer.json()["id"]).status


SPELLINGS = ["a@müller.example", "A@MÜLLER.example", "Ann <a@xn--mller-kva.example>", "a@mül\u200bler.example"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_unsubscription_applies_to_every_spelling_of_a_domain(staff, spelling):
    assert send_news(staff, to=[spelling]) == "sent"
    [received] = sent()
    Client().post(path_in(received), {"List-Unsubscribe": "One-Click"})
    assert [send_news(staff, to=[spelling]) for spelling in SPELLINGS] == ["suppressed"] * 4


def test_address_without_account_unsubscribes_with_one_click(staff):
    send_news(staff)
    [received] = sent()
    assert received["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    answer = Client(enforce_csrf_checks=True).post(path_in(received), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert send_news(staff) == "suppressed"


def test_unsubscribing_from_marketing_affects_no_other_kind(staff):
    send_news(staff)
    [received] = sent()
    Client().post(path_in(received))
    assert send_news(staff, kind="account") == "sent"


def test_get_of_the_link_does_not_unsubscribe(staff, client):
    send_news(staff)
    [received] = sent()
    assert "zoe@example.com" in client.get(path_in(received)).content.decode()
    assert send_news(staff) == "sent"


def test_unsubscribing_twice_is_idempotent(staff, client):
    send_news(staff)
    [received] = sent()
    assert {client.post(path_in(received)).status_code for _ in range(2)} == {200}
    assert Suppression.objects.values_list("address", "kind", "reason").get() == (
        "zoe@example.com", "marketing", "opt_out",
    )  # fmt: skip


def test_unsubscribe_link_does_not_reveal_the_address(staff):
    send_news(staff)
    [received] = sent()
    assert re.fullmatch(r"/unsubscribe/[A-Za-z0-9_-]{32,}/", path_in(received))


@pytest.mark.parametrize("wrong", [lambda path: path[:-3] + "AA/", lambda path: "/unsubscribe/x/"])
def test_forged_link_of_an_address_is_refused(staff, client, wrong):
    send_news(staff)
    [received] = sent()
    assert client.post(wrong(path_in(received))).status_code == 404
    assert send_news(staff) == "sent"


def test_marketing_without_template_has_the_link_below(staff):
    send_news(staff, html="<html><body><p>Come and see</p></body></html>")
    [received] = sent()
    link = received["List-Unsubscribe"].strip("<> ")
    assert f"Unsubscribe from messages like this: {link}" in received.get_body(("plain",)).get_content()
    content = received.get_body(("html",)).get_content()
    assert f'href="{link}"' in content
    assert content.rstrip().endswith("</p></body></html>")


def test_templated_marketing_has_the_link(db):
    queue_templated_email(
        to=["zoe@example.com"], template="welcome", context={"link": "https://foodfleet.example/"}, draft=BULK
    )
    [received] = sent()
    assert received["List-Unsubscribe"].strip("<> ") in received.get_body(("plain",)).get_content()


@pytest.mark.parametrize("more", [{"cc": ["bob@example.com"]}, {"bcc": ["bob@example.com"]}])
def test_bulk_email_to_several_has_no_link(db, more):
    send_email(to=["zoe@example.com"], subject="x", text="y", extras=EmailExtras(**more), draft=BULK)
    [received, *_others] = sent()
    assert received["List-Unsubscribe"] is None


def test_unsubscription_of_an_address_applies_to_its_later_user(staff, make_user):
    suppress(channel="email", address="zoe@example.com", kind="marketing", reason="opt_out")
    zoe = make_user("zoe@example.com")
    assert preferences.of(zoe) == {Kind.ACCOUNT: True, Kind.MARKETING: False}
    assert send_news(staff) == "suppressed"


def test_user_can_subscribe_again(staff, make_user, client):
    suppress(channel="email", address="zoe@example.com", kind="marketing", reason="opt_out")
    client.force_login(make_user("zoe@example.com"))
    client.post("/account/preferences/", {"account": "on", "marketing": "on"})
    assert send_news(staff) == "sent"


def test_subscribing_does_not_lift_a_bounce(staff, make_user):
    suppress(channel="email", address="zoe@example.com", reason="bounce")
    preferences.change(user=make_user("zoe@example.com"), changes={Kind.MARKETING: True})
    assert send_news(staff) == "suppressed"


def test_old_link_of_an_address_changes_the_preference_of_its_user(make_user):
    link = preferences.unsubscribe_link("zoe@example.com", Kind.MARKETING)
    zoe = make_user("zoe@example.com")
    preferences.unsubscribe(link.rstrip("/").rpartition("/")[2])
    assert not preferences.of(zoe)[Kind.MARKETING]
    assert Suppression.objects.count() == 0


def test_staff_can_suppress_one_kind_of_message(staff, make_user):
    boss = Client()
    boss.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    add = reverse("admin:notifications_suppression_add")
    data = {"channel": "email", "address": "zoe@example.com", "kind": "marketing", "detail": "asked by phone"}
    assert boss.post(add, data).status_code == 302
    assert "already" in boss.post(add, data).content.decode()
    assert [send_news(staff), send_news(staff, kind="account")] == ["suppressed", "sent"]


def test_security_emails_reach_unsubscribed_users(make_user):
    for kind in ("account", "marketing"):
        suppress(channel="email", address="ann@example.com", kind=kind, reason="opt_out")
    draft = MessageDraft(policy=SECURITY, user=make_user("ann@example.com"))
    queue_templated_email(to=["ann@example.com"], template="password_changed", context={}, draft=draft)
    [received] = sent()
    assert received["To"] == "ann@example.com"
