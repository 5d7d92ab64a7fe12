"""Samples show example values, and go to the confirmed address or number of who asks."""

import pytest
from django.utils import timezone

from foodfleet.core.http.clients import Client
from notifications.exceptions import EmailTemplateNotFoundException, InvalidTemplateException, NoOwnRecipientException
from notifications.models import EmailOverride, Message, SmsTemplate
from notifications.services.compose import samples, writing

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PHONE = "+4915112345678"


@pytest.fixture
def ann(make_user, allow):
    """Somebody on the staff, with a confirmed address and number."""
    user = make_user(phone=PHONE, phone_verified_at=timezone.now())
    allow(user, "notifications:send")
    return user


def override(template="welcome", text="Go: {{ link }}"):
    html = '<p>Hello {{ first_name }}</p><a href="{{ link }}">Go</a>'
    return EmailOverride(template=template, subject="Hello {{ first_name }}", html=html, text=text)


def test_a_sample_has_the_example_values_of_its_email():
    shown = samples.email(override())
    assert (shown.subject, "Hello Ann" in shown.html) == ("Hello Ann", True)
    assert "https://foodfleet.example/account/" in shown.text


def test_an_unsaved_override_is_checked_before_it_is_shown():
    with pytest.raises(InvalidTemplateException):
        samples.draft_email(override(text="no link"))
    with pytest.raises(EmailTemplateNotFoundException):
        samples.email(override(template="gone"))


def test_only_a_confirmed_number_is_ones_own(make_user):
    assert samples.own_phone(make_user(phone=PHONE)) == ""
    assert samples.own_phone(make_user("bob@example.com", phone=PHONE, phone_verified_at=timezone.now())) == PHONE


def test_a_sample_goes_to_the_confirmed_address_of_who_asks(ann, make_user):
    message = samples.send_email(override=override(), by=ann, client=Client(request_id="rid-1"))
    assert (message.to, message.subject, message.request_id) == (["ann@example.com"], "Hello Ann", "rid-1")
    with pytest.raises(NoOwnRecipientException):
        samples.send_email(
            override=override(), by=make_user("bob@example.com", email_verified_at=None), client=Client()
        )


def test_an_sms_sample_is_filled_with_examples_in_its_language(ann, make_user):
    template = SmsTemplate(name="lunch", content="Lunch {{at}}", translations={"de": "Essen {{at}}"})
    template.examples = {"at": "12:30"}
    message = samples.send_sms(template=template, language="de", by=ann, client=Client())
    assert message.to == [PHONE]
    assert writing.decrypt_content(message.payload)["text"] == "Essen 12:30"
    with pytest.raises(NoOwnRecipientException):
        samples.send_sms(template=template, language="de", by=make_user("bob@example.com"), client=Client())
    assert Message.objects.count() == 1
