"""Concurrent requests on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from rest_framework.test import APIClient

from foodfleet.core.models import RateLimit
from notifications.models import Message, SmsTemplate

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def boss(make_user):
    return make_user("boss@example.com", is_superuser=True)


def at_once(boss, *calls):
    """Run the calls concurrently, each with its own client, and return the responses."""
    start = Barrier(len(calls))

    def make(call):
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(boss)
        start.wait()
        try:
            return call(client)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


def test_concurrent_sms_with_one_key_are_sent_and_counted_once(boss, settings):
    settings.SMS_LIMITS = {"number": (3, 3600), "country": None, "all": None}
    body = {"to": "+4915112345678", "text": "Lunch"}

    def send(client):
        return client.post("/api/v1/notifications/sms/", body, HTTP_IDEMPOTENCY_KEY="lunch-1")

    answers = at_once(boss, *[send] * 8)
    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json()["id"] for answer in answers}) == Message.objects.count() == 1
    assert sum(RateLimit.objects.get().state.values()) == 1


def test_concurrent_changes_of_different_fields_are_kept(boss):
    for number in range(5):
        template = SmsTemplate.objects.create(name=f"lunch{number}", content="old", description="old")
        path = f"/api/v1/sms-templates/{template.pk}/"
        answers = at_once(
            boss,
            lambda client, path=path: client.patch(path, {"content": "new"}),
            lambda client, path=path: client.patch(path, {"description": "new"}),
            lambda client, path=path: client.patch(path, {"is_active": False}),
        )
        assert [answer.status_code for answer in answers] == [200] * 3
        template.refresh_from_db()
        assert (template.content, template.description, template.is_active) == ("new", "new", False)
        assert sorted(template.versions.values_list("number", flat=True)) == [2, 3, 4]
