"""The check of foreign keys to messages."""

from django.db import models
from django.test.utils import isolate_apps

from notifications.models import Message
from notifications.receivers.checks import check_references


def test_no_model_of_ours_refers_to_messages_by_a_constraint():
    assert check_references() == []


@isolate_apps("notifications")
def test_a_foreign_key_to_messages_must_have_no_constraint(monkeypatch):
    class Delivery(models.Model):  # noqa: DJ008
        message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
        answer = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+", db_constraint=False)

        class Meta:
            app_label = "notifications"

    relations = [Delivery._meta.get_field(name).remote_field for name in ("message", "answer")]
    monkeypatch.setattr(Message._meta, "get_fields", lambda **_options: relations)
    [problem] = check_references()
    assert problem.msg.startswith("notifications.Delivery.message refers to messages")
