"""The API of e-mail overrides, and of the versions and test messages of all templates."""

from threading import Barrier, Thread

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import SecurityEvent
from notifications.models import EmailOverride, Message, SmsTemplate
from notifications.services.compose import writing

pytestmark = pytest.mark.django_db

PATH = "/api/v1/email-overrides/"
SMS = "/api/v1/sms-templates/"
NEW = {
    "template": "welcome",
    "language": "de",
    "subject": "Hallo",
    "html": '<p>Hallo {{ first_name }}</p><a href="{{ link }}">Los</a>',
    "text": "Los: {{ link }}",
}
ALL = [f"{resource}:{name}" for resource in ("sms_templates", "email_templates")
       for name in ("read", "create", "update", "delete")]  # fmt: skip


@pytest.fixture
def staff(api, user, allow):
    """The API's client as somebody who may do everything with templates."""
    allow(user, *ALL, "notifications:send")
    api.force_authenticate(user)
    return api


@pytest.fixture
def override(staff):
    """The path of an override."""
    made = staff.post(PATH, NEW)
    assert made.status_code == 201, made.content
    return f"{PATH}{made.json()['id']}/"


@pytest.fixture
def sms():
    """The path of an SMS template."""
    return f"{SMS}{SmsTemplate.objects.get(name='2fa_code').pk}/"


def events():
    return [one.details for one in SecurityEvent.objects.filter(kind="template_changed").order_by("pk")]


def test_an_override_is_created_changed_and_deleted(staff, override):
    changed = staff.patch(override, {"subject": "Willkommen", "is_active": False})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert changed.json() == staff.get(override).json()
    assert {**NEW, "subject": "Willkommen", "is_active": False}.items() <= changed.json().items()
    assert [row["id"] for row in staff.get(f"{PATH}?template=welcome&language=de").json()["results"]]
    assert staff.get(f"{PATH}?search=verify").json()["results"] == []
    assert staff.delete(override).status_code == 204
    assert staff.get(override).json()["code"] == "email_override_not_found"
    assert [one["change"] for one in events()] == ["created", "updated", "deleted"]


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"template": "nothing"}, 404, "template"), ({"template": "we\x00"}, 422, "template"), ({"language": "xx"}, 422, "language"),
        ({"subject": ""}, 422, "subject"), ({"subject": "{{ link }}"}, 422, "subject"), ({"subject": "x" * 201}, 422, "subject"),
        ({"html": "{% include 'x' %}{{ link }}"}, 422, "html"), ({"html": "no link"}, 422, "html"), ({"html": "x" * 100_001}, 422, "html"),
        ({"text": "{{ unknown }} {{ link }}"}, 422, "text"), ({"text": "a\x00{{ link }}"}, 422, "text"), ({"text": None}, 422, "text"),
        ({"is_active": "yes"}, 422, "is_active"),
    ],
)  # fmt: skip
def test_an_invalid_override_is_refused_at_its_field(staff, changes, status, field):
    refused = staff.post(PATH, {**NEW, **changes})
    assert (refused.status_code, list(refused.json()["details"])) == (status, [field])


def test_an_email_has_one_override_in_each_language(staff, override):
    assert staff.post(PATH, NEW).status_code == 422
    assert staff.post(PATH, {**NEW, "language": ""}).status_code == 201
    assert EmailOverride.objects.count() == 2


def test_an_override_keeps_its_email_and_language(staff, override):
    staff.patch(override, {"template": "invitation", "language": "fr"})
    assert EmailOverride.objects.values_list("template", "language").get() == ("welcome", "de")


def test_staff_start_from_the_content_of_the_product(staff):
    listed = staff.get("/api/v1/email-templates/").json()["results"]
    assert {"name": "link", "is_required": True}.items() <= next(
        variable for one in listed if one["name"] == "welcome" for variable in one["variables"]
    ).items()
    for language in ("", "?language=ar"):
        content = staff.get(f"/api/v1/email-templates/welcome/{language}").json()
        assert "{{ link }}" in content["html"]
        assert staff.post(PATH, {"template": "welcome", "language": language[-2:], **content}).status_code == 201
    assert staff.get("/api/v1/email-templates/nothing/").json()["code"] == "email_template_not_found"
    assert staff.get("/api/v1/email-templates/welcome/?language=xx").status_code == 422


def test_a_preview_shows_examples_and_sends_nothing(staff, override):
    shown = staff.post(f"{override}preview/").json()
    assert shown["subject"] == "Hallo"
    assert "Hallo Ann" in shown["html"]
    assert "https://foodfleet.example/account/" in shown["text"]
    assert Message.objects.count() == 0


def test_an_override_of_a_vanished_email_has_no_preview(staff, override):
    EmailOverride.objects.update(template="gone")
    for path in ("preview/", "test/"):
        assert staff.post(f"{override}{path}").json()["code"] == "email_template_not_found"


def test_a_test_goes_to_the_confirmed_address_or_number_of_the_caller(staff, user, override, sms):
    assert staff.post(f"{override}test/", {"to": "bob@example.com"}).status_code == 202
    refused = staff.post(f"{sms}test/")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_own_recipient")
    user.phone, user.phone_verified_at = "+4915112345678", timezone.now()
    user.save(update_fields=["phone", "phone_verified_at"])
    assert staff.post(f"{sms}test/", {"language": "de"}).status_code == 202
    mail, text = Message.objects.order_by("created_at")
    assert (mail.to, text.to) == ([user.email], [user.phone])
    assert "123456" in writing.decrypt_content(text.payload)["text"]
    user.email_verified_at = None
    user.save(update_fields=["email_verified_at"])
    assert staff.post(f"{override}test/").json()["code"] == "no_own_recipient"


@pytest.mark.parametrize("codenames", [["sms_templates:read", "email_templates:read"], ["notifications:send"]])
def test_a_test_needs_the_permissions_to_read_and_to_send(api, make_user, allow, override, sms, codenames):
    other = make_user("bob@example.com", phone="+4915112345679", phone_verified_at=timezone.now())
    allow(other, *codenames)
    api.force_authenticate(other)
    for path in (override, sms):
        refused = api.post(f"{path}test/")
        assert (refused.status_code, len(refused.json()["details"]["missing"])) == (403, 1)
    assert Message.objects.count() == 0


@pytest.mark.parametrize("kind", ["sms", "override"])
def test_an_older_version_is_listed_and_restored(staff, user, request, kind, django_assert_max_num_queries):
    path = request.getfixturevalue(kind)
    field, value = {"sms": ("content", "Code {{code}}"), "override": ("subject", "Anders")}[kind]
    before = staff.get(path).json()
    staff.patch(path, {field: value})
    with django_assert_max_num_queries(10):
        newest, oldest = staff.get(f"{path}versions/").json()["results"]
    assert (newest["number"], newest["data"][field], newest["saved_by"]) == (2, value, user.pk)
    assert oldest["data"][field] == before[field]
    restored = staff.post(f"{path}versions/1/restore/")
    assert (restored.status_code, restored.json()["version"], restored.json()[field]) == (200, 3, before[field])
    assert len(staff.get(f"{path}versions/?page_size=2").json()["results"]) == 2
    for wrong in ("9", "9" * 30):
        assert staff.post(f"{path}versions/{wrong}/restore/").json()["code"] == "version_not_found"
    for unknown in (f"{SMS}99999999/", f"{PATH}{'9' * 30}/"):
        assert staff.get(f"{unknown}versions/").status_code == 404
        assert staff.post(f"{unknown}versions/1/restore/").status_code == 404


@pytest.mark.parametrize("kind", ["sms", "override"])
def test_a_version_that_the_editor_has_not_seen_is_kept(staff, request, kind):
    path = request.getfixturevalue(kind)
    active = {"is_active": True}
    assert staff.patch(path, {**active, "opened_with": 1}).json()["version"] == 2
    for call, body in ((staff.patch, active), (staff.post, {})):
        where = path if body else f"{path}versions/1/restore/"
        stale = call(where, {**body, "opened_with": 1})
        assert (stale.status_code, stale.json()["code"]) == (409, "newer_version")
        assert call(where, {**body, "opened_with": 0}).status_code == 422
    assert staff.patch(path, active).json()["version"] == 3, "without it, as before"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_editors_of_one_version_one_succeeds(user, allow):
    allow(user, *ALL)
    client = APIClient()
    client.force_authenticate(user)
    path, start, found = f"{PATH}{client.post(PATH, NEW, format='json').json()['id']}/", Barrier(2), []

    def edit(subject):
        other = APIClient()
        other.force_authenticate(user)
        start.wait()
        found.append(other.patch(path, {"subject": subject, "opened_with": 1}, format="json").status_code)
        connections.close_all()

    threads = [Thread(target=edit, args=[subject]) for subject in ("A", "B")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, 409]
