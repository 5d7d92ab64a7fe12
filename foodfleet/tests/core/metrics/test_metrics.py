"""`/metrics`: who may read it, and what it tells of all processes together."""

from uuid import uuid4

import pytest
from django.utils import timezone

from conftest import PASSWORD
from foodfleet.core.metrics.counters import Counter, Histogram, Metric, Writer
from foodfleet.core.models import Sample
from foodfleet.environment import Environment
from notifications.models import Message
from notifications.states import Channel, Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_this_test():
    """Forget what other tests counted in this process."""
    for metric in [*Metric.all.values()]:
        list(metric.take())


@pytest.fixture
def counter():
    yield Counter("test_total", "For a test.", "label")
    del Metric.all["test_total"]


@pytest.fixture
def histogram():
    yield Histogram("test_seconds", "For a test.", "label")
    del Metric.all["test_seconds"]


def scrape(client, **options):
    response = client.get("/metrics", **options)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return response.text.splitlines()


def test_requests_sign_ins_and_tokens_are_counted(client, api, user, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for password in (PASSWORD, "wrong"):
            api.post("/api/v1/auth/login/", {"email": user.email, "password": password})
    client.generic("BREW", "/nowhere/")
    lines = scrape(client)
    route = 'foodfleet_http_request_duration_seconds_count{route="api/v1/auth/login/",method="POST"'
    assert f'{route},status="200"}} 1' in lines
    assert f'{route},status="401"}} 1' in lines
    assert 'foodfleet_http_request_duration_seconds_count{route="none",method="OTHER",status="404"} 1' in lines
    assert 'foodfleet_sign_ins_total{outcome="success"} 1' in lines
    assert 'foodfleet_sign_ins_total{outcome="invalid_credentials"} 1' in lines
    assert 'foodfleet_security_events_total{kind="signed_in"} 1' in lines
    assert {f'foodfleet_tokens_issued_total{{type="{kind}"}} 1' for kind in ("access", "refresh")} <= {*lines}


def test_messages_are_counted_by_channel_and_state(client):
    lease = {"claim": uuid4(), "leased_until": timezone.now()}
    for channel, status, fields in (("email", "queued", {}), ("email", "sent", {}), ("sms", "sending", lease)):
        Message.objects.bulk_create(Message(channel=channel, to=["a"], status=status, **fields) for _ in range(4))
    lines = scrape(client)
    waiting = {line for line in lines if line.startswith("foodfleet_messages_waiting{")}
    counts = {(Channel.EMAIL, Status.QUEUED): 4, (Channel.SMS, Status.SENDING): 4}
    assert waiting == {
        f'foodfleet_messages_waiting{{channel="{channel}",state="{state}"}} {counts.get((channel, state), 0)}'
        for channel in Channel
        for state in (Status.QUEUED, Status.SENDING)
    }
    assert "foodfleet_oldest_due_seconds 0" in lines


def test_a_scrape_reads_the_database_with_few_queries(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        scrape(client)


def test_counts_of_several_processes_are_added_up(counter, histogram):
    for seconds in (0.004, 0.3, 60.0):
        counter.add('a "quoted"\nline\\')
        histogram.observe(seconds, "x")
        Writer().write()
    samples = dict(Sample.objects.values_list("series", "value"))
    assert samples['test_total{label="a \\"quoted\\"\\nline\\\\"}'] == 3
    buckets = [samples[f'test_seconds_bucket{{label="x",le="{limit}"}}'] for limit in ("0.01", "0.25", "0.5", "+Inf")]
    assert buckets == [1, 1, 2, 3]
    assert samples['test_seconds_count{label="x"}'] == 3
    assert samples['test_seconds_sum{label="x"}'] == pytest.approx(60.304)


@pytest.mark.parametrize(
    ("address", "headers", "allowed_nets", "status"),
    [
        ("127.0.0.1", {}, None, 200),
        ("::1", {}, None, 200),
        ("10.0.0.7", {}, None, 403),
        ("10.0.0.7", {}, "10.0.0.0/8", 200),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, None, 403),  # a proxy that nobody configured
        ("127.0.0.1", {"Host": "10.0.0.3:8000"}, None, 200),
    ],
)
def test_only_allowed_networks_read_metrics(client, settings, address, headers, allowed_nets, status):
    if allowed_nets:
        settings.METRICS_ALLOWED_NETS = Environment({"X": allowed_nets}).networks("X")
    assert client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code == status
