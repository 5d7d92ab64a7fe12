"""Security events are counted by hour, each once."""

import pytest
from django.core.management import call_command

from accounts.models import SecurityEvent
from accounts.services import statistics
from foodfleet.core.models import HourlyCount

pytestmark = pytest.mark.django_db


def test_counting_again_changes_nothing_and_adds_what_is_new(user):
    SecurityEvent.objects.create(kind="signed_in", user=user)
    for _time in range(2):
        statistics.count_events()
        assert list(HourlyCount.objects.values_list("name", "count")) == [("event:signed_in", 1)]
    SecurityEvent.objects.create(kind="signed_in", user=user)
    call_command("purge_expired")  # where there is no Celery
    assert HourlyCount.objects.get().count == 2
