"""The API that lists and shows messages, SMS templates and preferences."""

import json

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.models import Message, SearchText, SmsTemplate
from notifications.services.audience import preferences
from notifications.services.operations import retention
from notifications.states import Kind

pytestmark = pytest.mark.django_db

TEMPLATES = "/api/v1/sms-templates/"
EMAIL = "/api/v1/notifications/email/"
SMS = "/api/v1/notifications/sms/"
MAIL = {"to": ["ann@example.com"], "subject": "Hello", "text": "Good food"}
TEXT = {"to": "+4915112345678", "text": "Good food"}
ALL = (
    "sms_templates:read",
    "sms_templates:create",
    "sms_templates:update",
    "sms_templates:delete",
    "notifications:send",
    "notifications:read",
)


@pytest.fixture
def staff(api, user, allow):
    """The API's client as somebody who may do all of this."""
    allow(user, *ALL)
    api.force_authenticate(user)
    return api


@pytest.mark.parametrize(
    ("method", "path", "codename"),
    [
        ("get", TEMPLATES, "sms_templates:read"),
        ("get", TEMPLATES + "1/", "sms_templates:read"),
        ("post", TEMPLATES, "sms_templates:create"),
        ("patch", TEMPLATES + "1/", "sms_templates:update"),
        ("delete", TEMPLATES + "1/", "sms_templates:delete"),
        ("post", TEMPLATES + "1/preview/", "sms_templates:read"),
        ("post", EMAIL, "notifications:send"),
        ("post", SMS, "notifications:send"),
        ("get", "/api/v1/notifications/", "notifications:read"),
        ("get", "/api/v1/notifications/0f8fad5b-d9cb-469f-a165-70867728950e/", "notifications:read"),
        ("post", "/api/v1/notifications/0f8fad5b-d9cb-469f-a165-70867728950e/retry/", "notifications:send"),
    ],
)
def test_each_endpoint_requires_its_permission(api, user, allow, method, path, codename):
    call = getattr(api, method)
    assert call(path, {}).status_code == 401
    allow(user, *(set(ALL) - {codename}))
    api.force_authenticate(user)
    refused = call(path, {})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_permissions")
    assert refused.json()["details"] == {"missing": [codename]}


def test_sms_template_can_be_created_changed_and_deleted(staff):
    made = staff.post(
        TEMPLATES, {"name": "order_ready", "content": "Order {{number}} is ready", "description": "Kitchen"}
    )
    assert made.status_code == 201
    body = made.json()
    assert {"id", "name", "content", "is_active", "description", "variables"} <= body.keys()
    assert (body["variables"], body["is_active"]) == (["number"], True)
    path = f"{TEMPLATES}{body['id']}/"
    changed = staff.patch(path, {"content": "{{name}}: {{number}}", "translations": {"de": "Fertig: {{number}}"}})
    assert (changed.status_code, changed.json()["variables"], changed.json()["version"]) == (200, ["name", "number"], 2)
    assert staff.get(path).json() == changed.json()
    assert [row["name"] for row in staff.get(TEMPLATES, {"search": "order"}).json()["results"]] == ["order_ready"]
    assert staff.delete(path).status_code == 204
    gone = staff.get(path)
    assert (gone.status_code, gone.json()["code"]) == (404, "sms_template_not_found")


def test_query_count_of_the_list_is_constant(staff, django_assert_max_num_queries):
    SmsTemplate.objects.bulk_create(SmsTemplate(name=f"t{n}", content="x") for n in range(50))
    with django_assert_max_num_queries(8):
        assert len(staff.get(TEMPLATES, {"page_size": 50}).json()["results"]) == 50


def test_preview_returns_text_size_and_missing_variables(staff):
    key = SmsTemplate.objects.get(name="2fa_code").pk
    path = f"{TEMPLATES}{key}/preview/"
    assert staff.post(path, {"variables": {"code": "123456"}}).json() == {
        "text": "Your verification code is: 123456", "encoding": "GSM-7", "segments": 1, "missing": [], "unknown": [],
    }  # fmt: skip
    assert staff.post(path, {"variables": {"name": "😀"}}).json() == {
        "text": "Your verification code is: {{code}}", "encoding": "GSM-7", "segments": 1, "missing": ["code"], "unknown": ["name"],
    }  # fmt: skip
    assert staff.post(path, {"variables": {"code": "м"}}).json()["encoding"] == "UCS-2"
    assert "123456" in staff.post(path, {"variables": {"code": 123456}}).json()["text"]
    assert Message.objects.count() == 0


def test_product_template_cannot_be_deleted(staff):
    key = SmsTemplate.objects.get(name="2fa_code").pk
    refused = staff.delete(f"{TEMPLATES}{key}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "template_in_use")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"), ({"name": "x"}, "content"), ({"name": "x", "content": ""}, "content"), ({"name": "", "content": "x"}, "name"),
        ({"name": "a b", "content": "x"}, "name"), ({"name": "x" * 101, "content": "x"}, "name"), ({"name": "2fa_code", "content": "x {{code}}"}, "name"),
        ({"name": "x", "content": "{{ code }}"}, "content"), ({"name": "x", "content": "{{code.__class__}}"}, "content"),
        ({"name": "x", "content": "{% include 'x' %}"}, "content"), ({"name": "x", "content": "{code}"}, "content"),
        ({"name": "x", "content": "x" * 1601}, "content"), ({"name": "x", "content": "a\x00b"}, "content"), ({"name": "x", "content": 5.5e300}, None),
        ({"name": "x", "content": ["x"]}, "content"), ({"name": "x", "content": "x", "is_active": "perhaps"}, "is_active"),
        ({"name": "x", "content": "x", "translations": {"xx": "x"}}, "translations"), ({"name": "x", "content": "x", "translations": "de"}, "translations"),
        ({"name": "x", "content": "x", "translations": {"de": "{{"}}, "translations"), ({"name": "x", "content": "x", "description": "x" * 501}, "description"),
        ({"name": "x", "content": "x", "examples": {"a": {}}}, "examples.a"),
    ],
)  # fmt: skip
def test_invalid_template_is_422_and_names_the_field(staff, body, field):
    answer = staff.post(TEMPLATES, body)
    if field is None:
        assert answer.status_code in {201, 422}
        return
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), answer.json()
    assert field in answer.json()["details"], answer.json()


@pytest.mark.parametrize("key", ["0", "999999", "9" * 30, "abc", "-1", "1.5", "²"])
def test_unknown_template_id_is_404(staff, key):
    for path in (f"{TEMPLATES}{key}/", f"/api/v1/notifications/{key}/"):
        assert staff.get(path).status_code == 404, path


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (EMAIL, {"to": ["ann@example.com"], "template": "announcement", "context": {}}, "context"),
        (SMS, {"to": "+4915112345678", "template": "order_ready", "variables": {}}, "variables"),
        (EMAIL, {**MAIL, "subject": "x" * 990}, "subject"),
        (EMAIL, {**MAIL, "to": []}, "to"),
        (TEMPLATES, {"name": "blank", "content": "  \n"}, "content"),
        (TEMPLATES, {"name": "blank", "content": "Hello", "translations": {"de": " "}}, "translations"),
        (TEMPLATES, {"name": "nul", "content": "Hello", "examples": {"\x00": "a"}}, "examples"),
        (EMAIL, {**MAIL, "subject": " "}, "subject"),
        (EMAIL, {**MAIL, "text": " ", "html": ""}, "text"),
        (SMS, {"to": "+4915112345678", "text": " "}, "text"),
    ],
)  # fmt: skip
def test_invalid_value_is_an_error_of_its_field(staff, path, body, field):
    SmsTemplate.objects.create(name="order_ready", content="Pick up with {{code}}")
    refused = staff.post(path, body)
    assert (refused.status_code, list(refused.json()["details"])) == (422, [field])


def test_a_blank_text_beside_html_counts_as_none(staff):
    assert staff.post(EMAIL, {**MAIL, "text": " ", "html": "<p>Good food</p>"}).status_code == 202


@pytest.mark.parametrize("words", ["müller", "jörg", '"Jörg', "a+b", "MENU"])
def test_search_finds_recipients_of_any_script_and_subjects(staff, words):
    Message.objects.create(channel="email", to=['"Jörg, Jr." <a+b@müller.example>'], subject="Menu")
    Message.objects.create(channel="email", to=["other@example.com"])
    found = staff.get("/api/v1/notifications/", {"search": words}).json()["results"]
    assert [message["subject"] for message in found] == ["Menu"]


@pytest.mark.parametrize("words", ["ses-4711", "rid-0815-abc", "WELCOME", "ann kitchen"])
def test_search_finds_ids_and_words(staff, words):
    Message.objects.create(
        channel="email", to=["ann@example.com"], subject="Kitchen", template="welcome", request_id="rid-0815-abc"
    )
    Message.objects.update(provider_message_id="ses-4711")
    Message.objects.create(channel="email", to=["bob@example.com"], subject="Other", provider_message_id="ses-47112")
    found = staff.get("/api/v1/notifications/", {"search": words}).json()["results"]
    assert [message["to"] for message in found] == [["ann@example.com"]]


def test_search_does_not_find_removed_personal_data(staff, user):
    Message.objects.create(channel="email", to=["zoe@example.com"], subject="Menu", user=user)
    retention.erase_recipient(user)
    assert staff.get("/api/v1/notifications/", {"search": "zoe"}).json()["results"] == []
    assert not SearchText.objects.filter(text__contains="zoe").exists()


@pytest.mark.postgres
def test_message_search_uses_an_index():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Message.objects.search("zoe@example.com").explain()
    assert "notifications_search" in plan


def test_message_is_returned_by_its_id(staff):
    message = Message.objects.create(channel="email", to=["a@example.com"])
    Message.objects.create(channel="email", to=["b@example.com"])
    found = staff.get("/api/v1/notifications/", {"search": str(message.pk)}).json()["results"]
    assert [one["id"] for one in found] == [str(message.pk)]


def test_messages_are_listed_newest_first_and_filtered(staff, django_assert_max_num_queries):
    for number in range(3):
        staff.post(EMAIL, {**MAIL, "subject": f"Subject {number}", "to": [f"u{number}@example.com"]})
    staff.post(SMS, TEXT)
    with django_assert_max_num_queries(8):
        rows = staff.get("/api/v1/notifications/").json()["results"]
    assert [row["channel"] for row in rows] == ["sms", "email", "email", "email"]
    assert rows[1].keys() == {
        "id", "channel", "to", "subject", "template", "status", "attempts", "provider_message_id", "last_error", "created_at", "sent_at", "events",
    }  # fmt: skip
    assert [
        row["subject"] for row in staff.get("/api/v1/notifications/", {"search": "u1@example.com"}).json()["results"]
    ] == ["Subject 1"]
    assert len(staff.get("/api/v1/notifications/", {"channel": "sms"}).json()["results"]) == 1
    for wrong in ({"status": "lost"}, {"channel": "pigeon"}):
        assert staff.get("/api/v1/notifications/", wrong).status_code == 422


def test_a_message_is_shown_with_everything_but_its_content(staff, user):
    key = staff.post(EMAIL, {**MAIL, "bcc": ["c@example.com"], "kind": "account"}).json()["id"]
    shown = staff.get(f"/api/v1/notifications/{key}/").json()
    assert (shown["bcc"], shown["kind"], shown["sender"], shown["is_uncertain"]) == (
        ["c@example.com"], "account", user.pk, False,
    )  # fmt: skip
    assert MAIL["text"] not in json.dumps(shown)
    now = timezone.now().isoformat()
    found = {"kind=account": 1, "kind=security": 0, f"since={now[:10]}": 1, f"until={now[:10]}": 0}
    for query, count in found.items():
        assert len(staff.get(f"/api/v1/notifications/?{query}").json()["results"]) == count, query


def test_staff_see_the_preferences_of_a_user(staff, user, make_user):
    bob = make_user("bob@example.com")
    preferences.change(user=bob, changes={Kind.MARKETING: False})
    path = "/api/v1/users/{}/notification-preferences/"
    assert staff.get(path.format(bob.pk)).json() == {"security": True, "account": True, "marketing": False}
    assert staff.get(path.format("9" * 30)).json()["code"] == "user_not_found"


def test_preferences_can_be_read_and_changed(api, user):
    path = "/api/v1/users/me/notification-preferences/"
    assert api.get(path).status_code == 401
    api.force_authenticate(user)
    assert api.get(path).json() == {"security": True, "account": True, "marketing": True}
    assert api.patch(path, {"marketing": False}).json() == {"security": True, "account": True, "marketing": False}
    assert api.get(path).json()["marketing"] is False
    for wrong in ({"security": False}, {"marketing": "perhaps"}, [], "x"):
        assert api.patch(path, wrong).status_code == 422
    assert api.get(path).json() == {"security": True, "account": True, "marketing": False}


def test_non_ascii_local_part_has_its_own_error(staff):
    answer = staff.post(EMAIL, {**MAIL, "to": ["jörg@bücher.example"]})
    assert answer.status_code == 422
    [entry] = answer.json()["details"]["to"]
    assert entry["code"] == "invalid"
    assert "ASCII letters before the @" in entry["message"]
    [entry] = staff.post(EMAIL, {**MAIL, "to": ["jörg@"]}).json()["details"]["to"]
    assert "ASCII" not in entry["message"]


def test_error_for_security_preference_is_translated(api, user):
    api.force_authenticate(user)
    answer = api.patch("/api/v1/users/me/notification-preferences/", {"security": False}, HTTP_ACCEPT_LANGUAGE="de")
    assert "Sicherheit deines Kontos" in str(answer.json()["details"])
