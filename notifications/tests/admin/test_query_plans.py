"""Queries of lists use their indexes."""

import pytest
from django.db import connection

from notifications.models import Message

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("narrowed", "index"),
    [
        ({"status": "failed"}, "notifications_not_delivered"),
        ({"template": "welcome"}, "notifications_by_template"),
        ({"channel": "sms"}, "notifications_newest_texts"),
    ],
)
def test_a_list_of_what_is_rare_does_not_read_all_newer_messages(narrowed, index):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
        try:
            plan = Message.objects.listed().filter(**narrowed).order_by("-created_at", "-id")[:25].explain()
        finally:
            cursor.execute("RESET enable_seqscan; RESET enable_sort; RESET enable_bitmapscan")
    assert f"using {index}" in plan
