"""The logs link a request with the message that it caused."""

import pytest
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from notifications import tasks
from notifications.gateways.email import DjangoEmailGateway

REGISTRATION = {"email": "new@example.com", "password": "Grill-Fleet-2026!"}


@pytest.mark.django_db(transaction=True)
def test_a_request_id_is_logged_with_the_providers_message_id(api, monkeypatch):
    monkeypatch.setattr(DjangoEmailGateway, "send", lambda self, mail: "ses-0123")
    with capture_logs() as lines:
        api.post("/api/v1/auth/register/", REGISTRATION, headers={"X-Request-ID": "follow-me-1"})
    [sent] = [line for line in lines if line["event"] == "message_sent"]
    assert (sent["request_id"], sent["provider_message_id"]) == ("follow-me-1", "ses-0123")


@pytest.mark.django_db(transaction=True)
def test_a_task_that_a_request_caused_carries_its_id(api, settings, monkeypatch):
    settings.CELERY_BROKER_URL = "memory://"
    bound = []
    monkeypatch.setattr(tasks.dispatch, "apply_async", lambda **call: bound.append(get_contextvars()))
    api.post("/api/v1/auth/register/", REGISTRATION, headers={"X-Request-ID": "follow-me-2"})
    assert [context.get("request_id") for context in bound] == ["follow-me-2"]
    assert "request_id" not in get_contextvars()
