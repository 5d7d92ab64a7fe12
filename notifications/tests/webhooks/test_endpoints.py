"""The API of webhook endpoints and their deliveries."""

from base64 import b64decode
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.staff import users
from foodfleet.core.http.clients import Client
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.tests.webhooks.receiver import deliver

pytestmark = pytest.mark.django_db
URL = "/api/v1/webhooks/"


@pytest.fixture
def call(api, sign_in, may_do_all):
    """Call the API as Ann, who may do everything."""
    headers = {"Authorization": f"Bearer {sign_in()['access']}"}

    def ask(method, path="", **body):
        return getattr(api, method)(f"{URL}{path}", body or None, headers=headers)

    return ask


@pytest.fixture
def made(call):
    """An endpoint, as the API answered when it was added."""
    answer = call("post", url="https://hooks.example.com/in", events=["user.created", "user.locked"], description="CRM")
    assert answer.status_code == 201
    return answer.json()


def test_the_secret_is_shown_once_and_stored_encrypted(call, made):
    assert made["secret"].startswith("whsec_")
    assert len(b64decode(made["secret"].removeprefix("whsec_"))) == 32
    shown = call("get", f"{made['id']}/").json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert shown["events"] == ["user.created", "user.locked"]
    assert made["secret"] not in WebhookEndpoint.objects.get().secret
    assert call("get").json()["results"] == [shown]


def test_endpoints_are_searched_and_filtered(call, made):
    other = call("post", url="https://till.example.com/", events=["*"], is_active=False).json()
    queries = ("?search=hooks", "?search=crm", "?search=till", "?search=nobody", "?is_active=true", "?is_active=false")
    assert [[one["id"] for one in call("get", query).json()["results"]] for query in queries] == [
        [made["id"]], [made["id"]], [other["id"]], [], [made["id"]], [other["id"]],
    ]  # fmt: skip


def test_an_endpoint_is_owned_by_its_creator(made, user):
    assert made["owner"] == user.pk


def test_fields_are_changed_and_endpoints_deleted(call, made):
    path = f"{made['id']}/"
    answer = call("patch", path, events=["*", "user.created"], is_active=False)
    assert (answer.status_code, answer.json()["events"], answer.json()["is_active"]) == (200, ["*"], False)
    assert answer.json()["description"] == "CRM"
    assert call("delete", path).status_code == 204
    assert [call(method, path).status_code for method in ("get", "patch", "delete")] == [404, 404, 404]
    assert call("post", f"{path}test/").json()["code"] == "webhook_not_found"


@pytest.mark.parametrize("events", [[], ["user.unknown"], ["user.created", "webhook.test"], "user.created", [1]])
def test_unknown_events_are_refused(call, events):
    answer = call("post", url="https://hooks.example.com/", events=events)
    assert (answer.status_code, [name.partition(".")[0] for name in answer.json()["details"]]) == (422, ["events"])


REFUSED = {
    "ftp://hooks.example.com/": "invalid",
    "hooks.example.com": "invalid",
    "https://": "invalid",
    "https:///path": "invalid",
    "https://hooks.example.com:0/": "invalid",
    "https://hooks.example.com:99999/": "invalid",
    "https://hooks..example.com/": "invalid",
    "https://[::1": "invalid",
    "https://hooks.example.com\\@127.0.0.1/": "invalid",
    "https://hooks.example.com/ x": "invalid",
    "https://ann:secret@hooks.example.com/": "credentials",
    "https://@hooks.example.com/": "credentials",
    "http://127.0.0.1:8000/": "private_address",
    "http://localhost/": "private_address",
    "http://2130706433/": "private_address",
    "http://0x7f.1/": "private_address",
    "http://[::1]/": "private_address",
    "http://[::ffff:127.0.0.1]/": "private_address",
    "http://[64:ff9b::7f00:1]/": "private_address",
    "http://[fe80::1%25eth0]/": "private_address",
    "http://169.254.169.254/latest/meta-data/": "private_address",
    "http://127。0。0。1/": "private_address",
}


@pytest.mark.parametrize(("url", "code"), REFUSED.items())
def test_urls_that_no_webhook_may_be_posted_to_are_refused(call, made, url, code):
    for answer in (call("post", url=url, events=["*"]), call("patch", f"{made['id']}/", url=url)):
        assert (answer.status_code, answer.json()["details"]["url"][0]["code"]) == (422, code)


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("HTTPS://Hooks.Example.com", "https://hooks.example.com/"),
        ("https://hooks.example.com:8443/a?b=c#d", "https://hooks.example.com:8443/a?b=c"),
        ("https://müller.example/straße?ä=1", "https://xn--mller-kva.example/stra%C3%9Fe?%C3%A4=1"),
    ],
)
def test_urls_are_stored_in_ascii(call, url, stored):
    assert call("post", url=url, events=["*"]).json()["url"] == stored


def test_a_test_event_is_delivered_and_listed_with_its_timeline(call, receiver):
    made = call("post", url=receiver.url, events=["user.created"]).json()
    queued = call("post", f"{made['id']}/test/")
    assert (queued.status_code, queued.json()["status"]) == (202, "queued")
    deliver()
    assert receiver.verified(made["secret"])[0]["type"] == "webhook.test"
    (listed,) = call("get", f"{made['id']}/deliveries/").json()["results"]
    assert (listed["id"], listed["event"], listed["status"], listed["attempts"]) == (
        queued.json()["id"],
        "webhook.test",
        "sent",
        1,
    )
    assert listed["events"][0]["details"]["status_code"] == 200
    assert call("get", f"{made['id']}/deliveries/?status=failed&event=webhook.test").json()["results"] == []


def test_a_delivery_is_replayed_by_either_path(call, receiver):
    made = call("post", url=receiver.url, events=["*"]).json()
    delivery = call("post", f"{made['id']}/test/").json()["id"]
    for path in (f"deliveries/{delivery}/replay/", f"{made['id']}/deliveries/{delivery}/replay/"):
        deliver()
        answer = call("post", path)
        assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (202, delivery, "queued")
    assert call("post", f"{made['id'] + 1}/deliveries/{delivery}/replay/").status_code == 404
    assert call("post", f"deliveries/{uuid4()}/replay/").json()["code"] == "delivery_not_found"
    assert len({headers["webhook-id"] for headers, _body in receiver.requests}) == 1


def test_a_paused_endpoint_takes_no_test_and_no_replay(call, receiver):
    made = call("post", url=receiver.url, events=["*"]).json()
    delivery = call("post", f"{made['id']}/test/").json()["id"]
    call("patch", f"{made['id']}/", is_active=False)
    for path in (f"{made['id']}/test/", f"deliveries/{delivery}/replay/"):
        answer = call("post", path)
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_paused")


def test_rotating_shows_a_new_secret(call, made):
    answer = call("post", f"{made['id']}/rotate-secret/")
    assert answer.status_code == 200
    assert answer.json()["secret"] not in {made["secret"], ""}


def test_activating_an_endpoint_forgets_its_failures(call, made):
    WebhookEndpoint.objects.update(
        is_active=False, disabled_reason="gone", failures=3, failing_since="2026-01-01T00:00Z"
    )
    answer = call("patch", f"{made['id']}/", is_active=True).json()
    assert (answer["is_active"], answer["disabled_reason"], answer["failing_since"]) == (True, "", None)


def test_a_list_of_deliveries_takes_as_many_queries_as_one(call, receiver, make_user):
    made = call("post", url=receiver.url, events=["*"]).json()
    counts = []
    for number in range(3):
        users.lock(pk=make_user(f"u{number}@example.com").pk, actor=None, client=Client())
        deliver()
        with CaptureQueriesContext(connection) as queries:
            assert len(call("get", f"{made['id']}/deliveries/").json()["results"]) == number + 1
        counts.append(len(queries))
    assert counts[1] == counts[2]
    assert WebhookDelivery.objects.count() == 3
