"""Versions of templates: numbered, and not saved over one that the editor has not seen."""

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import SecurityEvent
from foodfleet.core.http.clients import Client
from notifications.exceptions import NewerVersionException
from notifications.models import SmsTemplate
from notifications.services.templates import versions
from notifications.tests.templates.test_sms_templates import new

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_numbers_follow_each_other_whatever_the_editor_saw():
    template = new()
    first = template.version
    assert [versions.next_number(template, None) for _ in range(2)] == [first + 1, first + 2]
    assert versions.next_number(template, first + 2) == first + 3


def test_a_newer_version_is_not_overwritten():
    template = new()
    seen = template.version
    versions.next_number(template, seen)
    with pytest.raises(NewerVersionException):
        versions.next_number(template, seen)
    template.refresh_from_db()
    assert template.version == seen + 1


def test_a_name_that_was_taken_meanwhile_is_a_validation_error():
    new("lunch")
    with pytest.raises(ValidationError) as refused:
        versions.save_row(SmsTemplate(name="lunch", content="x", version=1))
    assert list(refused.value.error_dict) == ["name"]
    with transaction.atomic():
        assert SmsTemplate.objects.filter(name="lunch").count() == 1  # the transaction goes on


def test_a_change_is_recorded_with_its_version(user):
    template = new()
    versions.record(template, "updated", user, Client(ip="203.0.113.7"))
    event = SecurityEvent.objects.filter(kind="template_changed").latest("pk")
    assert (event.actor, event.details["change"], event.details["version"]) == (user, "updated", template.version)
    assert event.details["type"] == "smstemplate"
