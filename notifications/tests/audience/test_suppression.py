"""Addresses and numbers that nothing is sent to."""

from threading import Barrier, Thread

import pytest
from django.db import connections
from rest_framework.test import APIClient

from accounts.models import SecurityEvent
from notifications.models import Suppression
from notifications.services.audience import suppression

pytestmark = pytest.mark.django_db

PATH = "/api/v1/suppressions/"
NEW = {"channel": "email", "address": " Ann@Example.com", "detail": "asked by phone"}


@pytest.fixture
def staff(api, user, allow):
    """The API's client as somebody who may enter and lift suppressions."""
    allow(user, "suppressions:read", "suppressions:create", "suppressions:lift")
    api.force_authenticate(user)
    return api


def suppressed(address="+4915112345678", reason="opt_out", **fields):
    return Suppression.objects.create(channel="sms", address=address, reason=reason, **fields)


def event(kind):
    return SecurityEvent.objects.get(kind=kind)


def test_staff_suppress_an_address_once(staff, user):
    made = staff.post(PATH, NEW)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["address"], body["reason"], body["kind"]) == ("ann@example.com", "manual", "")
    assert staff.get(f"{PATH}{body['id']}/").json() == body
    assert (event("suppression_added").actor, event("suppression_added").details["detail"]) == (user, "asked by phone")
    for again in (NEW, {**NEW, "kind": "marketing"}):
        refused = staff.post(PATH, again)
        assert (refused.status_code, refused.json()["code"]) == (409, "already_suppressed")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "fax"}, "channel"), ({"channel": None}, "channel"), ({"address": ""}, "address"), ({"address": "nonsense"}, "address"),
        ({"address": "a\x00b@example.com"}, "address"), ({"address": "a" * 250 + "@example.com"}, "address"), ({"channel": "sms"}, "address"),
        ({"channel": "sms", "address": "015112345678"}, "address"), ({"kind": "security"}, "kind"), ({"detail": ""}, "detail"),
        ({"detail": "x" * 501}, "detail"), ({"detail": "a\x00b"}, "detail"),
    ],
)  # fmt: skip
def test_an_invalid_suppression_is_refused_at_its_field(staff, changes, field):
    refused = staff.post(PATH, {**NEW, **changes})
    assert (refused.status_code, list(refused.json()["details"])) == (422, [field])


def test_lifting_an_opt_out_needs_the_agreement_of_the_recipient(staff, user):
    path = f"{PATH}{suppressed().pk}/lift/"
    refused = staff.post(path, {"because": "Just so"})
    assert refused.status_code == 422
    assert refused.json()["details"]["recipient_agreed"][0]["code"] == "recipient_agreement_required"
    assert Suppression.objects.live().count() == 1
    lifted = staff.post(path, {"because": "Asked for it by phone", "recipient_agreed": True})
    assert lifted.status_code == 200
    assert (lifted.json()["lifted_by"], lifted.json()["lifted_because"]) == (user.pk, "Asked for it by phone")
    details = event("suppression_lifted").details
    assert (details["because"], details["recipient_agreed"]) == ("Asked for it by phone", True)
    again = staff.post(path, {"because": "Once more", "recipient_agreed": True})
    assert (again.status_code, again.json()["code"]) == (409, "already_lifted")


def test_a_bounce_is_lifted_with_a_reason_alone(staff):
    path = f"{PATH}{suppressed(reason='bounce').pk}/lift/"
    for because in ("", "  ", "x" * 501, "a\x00b", None, 7):
        assert staff.post(path, {"because": because}).status_code == 422
    assert staff.post(path, {}).status_code == 422
    assert staff.post(path, {"because": "The mailbox is back"}).status_code == 200


@pytest.mark.parametrize("key", ["0", "999999", "9" * 18])
def test_an_unknown_suppression_is_404(staff, key):
    answers = [staff.get(f"{PATH}{key}/"), staff.post(f"{PATH}{key}/lift/", {"because": "x"})]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "suppression_not_found")] * 2


def test_the_list_is_filtered_and_searched_in_few_queries(staff, django_assert_max_num_queries):
    suppressed()
    suppressed("+4915112345679", reason="bounce", lifted_at="2026-01-01T00:00Z")
    Suppression.objects.create(channel="email", address="ann@example.com", reason="manual", kind="marketing")
    found = {
        "": 3, "channel=sms": 2, "reason=opt_out": 1, "lifted=true": 1, "lifted=false": 2, "kind=marketing": 1,
        "search=345678": 1, "search=ANN@": 1, "search=nobody": 0,
    }  # fmt: skip
    with django_assert_max_num_queries(8 * len(found)):
        counts = {query: len(staff.get(f"{PATH}?{query}").json()["results"]) for query in found}
    assert counts == found
    for query in ("channel=fax", "lifted=1", "reason=", "search=" + "x" * 201):
        assert staff.get(f"{PATH}?{query}").status_code == 422, query


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_lifts_at_once_one_succeeds(user, allow):
    allow(user, "suppressions:lift")
    path, start, found = f"{PATH}{suppressed(reason='bounce').pk}/lift/", Barrier(2), []

    def lift():
        client = APIClient()
        client.force_authenticate(user)
        start.wait()
        found.append(client.post(path, {"because": "back"}, format="json").status_code)
        connections.close_all()

    threads = [Thread(target=lift) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, 409]
    assert SecurityEvent.objects.filter(kind="suppression_lifted").count() == 1


@pytest.mark.usefixtures("may_do_all")
def test_lifted_address_can_be_suppressed_again(user):
    assert suppression.suppress(channel="email", address=" Ann@Example.com", reason="bounce")
    assert not suppression.suppress(channel="email", address="ann@example.com", reason="complaint")
    assert suppression.is_suppressed("email", "ANN@example.com")
    assert not suppression.is_suppressed("email", "bob@example.com")
    row = Suppression.objects.get()
    assert suppression.lift(suppression_ids=[row.pk], by=user) == 1
    assert suppression.lift(suppression_ids=[row.pk], by=user) == 0
    assert not suppression.is_suppressed("email", "ann@example.com")
    assert suppression.suppress(channel="email", address="ann@example.com", reason="complaint")
    row.refresh_from_db()
    assert row.lifted_by == user
