"""Who gets nothing of a message that is due."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Message
from notifications.services.audience import preferences, recipient_filter, suppression
from notifications.services.compose.email import EmailExtras, send_email
from notifications.services.compose.policies import Policy
from notifications.services.compose.sms import send_sms
from notifications.services.compose.writing import MessageDraft
from notifications.states import Channel, Kind, Status, SuppressionReason
from notifications.tests.delivery.dispatching import dispatch_recorded as dispatch
from notifications.tests.delivery.dispatching import queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("by_worker")]


@pytest.mark.parametrize("to", ["bob@example.com", "Bob <bob@example.com>", '"Bob, Esq." <BOB@example.com>'])
def test_unsubscribed_user_gets_no_marketing_with_a_display_name(make_user, to):
    preferences.change(user=make_user("bob@example.com"), changes={Kind.MARKETING: False})
    message = queue(to=[to], kind=Kind.MARKETING)
    assert dispatch().sent == []
    message.refresh_from_db()
    assert message.status == "suppressed"


def test_nothing_is_sent_to_a_suppressed_address():
    suppression.suppress(channel=Channel.EMAIL, address="ann@example.com", reason=SuppressionReason.BOUNCE)
    alone, together = queue(to=["Ann <Ann@example.com>"]), queue(to=["ann@example.com", "bob@example.com"])
    assert [email.to for email in dispatch().sent] == [("bob@example.com",)]
    alone.refresh_from_db(), together.refresh_from_db()
    assert (alone.status, together.status) == (Status.SUPPRESSED, Status.SENT)


def test_an_unsubscribed_user_still_gets_security_emails(user):
    preferences.change(user=user, changes={Kind.MARKETING: False})
    for kind in (Kind.MARKETING, Kind.SECURITY):
        send_email(to=[user.email], subject=kind, text="x", draft=MessageDraft(policy=Policy(kind=kind), user=user))
    assert [email.subject for email in dispatch().sent] == ["security"]


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_unsubscribed_recipients_are_excluded_from_an_email(user, field):
    preferences.change(user=user, changes={Kind.ACCOUNT: False})
    others = {"to": ["bob@example.com"], "cc": ["cid@example.com"], "bcc": ["dan@example.com"]}
    everybody = {**others, field: [f"Ann <{user.email.upper()}>", *others[field]]}
    extras = EmailExtras(cc=everybody["cc"], bcc=everybody["bcc"])
    for kind in (Kind.ACCOUNT, Kind.SECURITY):
        send_email(
            to=everybody["to"], subject=kind, text="x", extras=extras, draft=MessageDraft(policy=Policy(kind=kind))
        )
    recipients = {email.subject: {name: len(getattr(email, name)) for name in others} for email in dispatch().sent}
    assert recipients["account"] == {"to": 1, "cc": 1, "bcc": 1}
    assert recipients["security"] == {name: len(addresses) for name, addresses in everybody.items()}


@pytest.mark.parametrize(("is_confirmed", "texts"), [(True, 0), (False, 1)])
def test_an_sms_is_not_sent_to_the_confirmed_number_of_an_unsubscriber(user, is_confirmed, texts):
    user.phone, user.phone_verified_at = "+4915112345678", timezone.now() if is_confirmed else None
    user.save()
    preferences.change(user=user, changes={Kind.MARKETING: False})
    send_sms(to=user.phone, text="Burgers!", draft=MessageDraft(policy=Policy(kind=Kind.MARKETING)))
    assert len(dispatch(channel=Channel.SMS).sent) == texts


def test_an_expired_message_is_cancelled_before_it_is_sent(django_assert_num_queries):
    now = timezone.now()
    late, due = (
        Message(channel="email", to=["ann@example.com"], expires_at=at) for at in (now, now + timedelta(hours=1))
    )
    with django_assert_num_queries(2):  # however many messages there are
        found = recipient_filter.apply([late, due])
    assert found.messages == [due]
    assert [(one.message, one.status, one.error) for one in found.refused] == [
        (late, Status.CANCELLED, "Not sent before it expired.")
    ]
