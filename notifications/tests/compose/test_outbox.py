"""The product's own messages: who gets them, in which language, and with which errors."""

import pytest

from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from notifications.models import Message
from notifications.services.compose import outbox
from notifications.states import Kind, Priority

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CLIENT = Client(ip="203.0.113.7", request_id="rid-1")


def notify(user):
    return outbox.queue_notice("password_changed", user, CLIENT, "report-token")


def test_a_notice_is_a_security_message_in_the_language_of_its_user(make_user):
    message = notify(make_user(language="de"))
    assert (message.kind, message.language, message.template) == (Kind.SECURITY, "de", "password_changed")
    assert (message.to, message.request_id) == (["ann@example.com"], "rid-1")


def test_service_accounts_get_no_notices(make_user):
    assert notify(make_user(is_service_account=True)) is None
    assert not Message.objects.exists()


def test_an_unconfirmed_address_gets_notices_up_to_its_limit(make_user, monkeypatch):
    user = make_user(email_verified_at=None)
    monkeypatch.setattr(outbox, "may_mail", lambda email: Message.objects.count() < 2)
    assert [notify(user) is not None for _ in range(3)] == [True, True, False]


def test_a_confirmed_address_has_no_limit(user, monkeypatch):
    monkeypatch.setattr(outbox, "may_mail", lambda email: False)
    assert notify(user) is not None


def test_a_mail_may_go_to_another_address_than_the_users_own(user):
    variables = {"link": "https://x.example/"}
    message = outbox.queue_email(template="email_change_confirm", user=user, variables=variables, to="new@example.com")
    assert (message.to, message.user, message.priority) == (["new@example.com"], user, Priority.CODE)


def test_a_farewell_belongs_to_no_account():
    message = outbox.queue_farewell(template="account_deleted", to="ann@example.com", language="fr", variables={})
    assert (message.user, message.language, message.to) == (None, "fr", ["ann@example.com"])


def test_errors_of_a_recipient_are_at_the_field_of_the_account(user):
    with pytest.raises(ValidationException) as refused:
        outbox.queue_email(template="welcome", user=user, variables={"link": "https://x/"}, to="no address")
    assert list(refused.value.details) == ["email"]
    with pytest.raises(ValidationException) as refused:
        outbox.queue_sms(template="2fa_code", phone="0151", user=user, variables={"code": "123456"})
    assert list(refused.value.details) == ["phone"]
