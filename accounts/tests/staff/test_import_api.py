"""Imports and exports of users over the API."""

import csv
import json

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import SecurityEvent, User
from accounts.services.staff import imports
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/v1/users/import/"
PEOPLE = "email,first_name,phone\nbob@example.com,Bob,+4915112345678\ncid@example.com,Cid,\n"


@pytest.fixture
def send(api, user, allow):
    """Import this text or these bytes in Ann's name."""
    allow(user, "users:create", "users:read")
    api.force_authenticate(user)

    def call(content, **fields):
        file = SimpleUploadedFile("people.csv", content if isinstance(content, bytes) else content.encode())
        return api.post(PATH, {"file": file, **fields}, format="multipart")

    return call


def test_each_line_becomes_an_account_and_wrong_lines_are_reported(send, user):
    answer = send(PEOPLE + "nobody,Nobody,\nANN@example.com,Ann,\n")
    body = answer.json()
    assert answer.status_code == 200, body
    assert (body["lines"], body["created"], body["present"], body["refused"]) == (4, 2, 1, 1)
    assert [(one["line"], one["field"]) for one in body["problems"]] == [(4, "email")]
    assert User.objects.get(email="bob@example.com").phone == "+4915112345678"
    assert SecurityEvent.objects.filter(kind="user_created", actor=user).count() == 2
    assert send(PEOPLE).json()["present"] == 2, "sent again, it changes nothing"
    assert mail.outbox == []


def test_a_dry_run_creates_nothing_and_invite_sends_links(send):
    assert send(PEOPLE, dry_run="true", invite="true").json()["created"] == 2
    assert (User.objects.count(), mail.outbox) == (1, [])
    assert send(PEOPLE, invite="true").json()["created"] == 2
    assert sorted(message.to[0] for message in mail.outbox) == ["bob@example.com", "cid@example.com"]


def test_the_users_of_a_keycloak_realm_are_imported(send):
    realm = {"realm": "food", "users": [{"username": "bob", "email": "bob@example.com", "enabled": True}]}
    assert send(json.dumps(realm)).json()["created"] == 1


@pytest.mark.parametrize(
    "content",
    ["", "\n", "name\nBob\n", b"email\n\xff@example.com\n", "\x00", '{"users": 1}', '{"users": [{"email": "a@b.example"}'],
)  # fmt: skip
def test_a_file_of_another_form_is_refused_whole(send, content):
    refused = send(content)
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["file"])
    assert User.objects.count() == 1


def test_what_the_caller_may_not_import_is_refused_before_any_line_counts(send, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 1)
    refused = send("email,roles\nbob@example.com,\ncid@example.com,Administrator\n")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_permissions")
    assert send("email,email_verified\nbob@example.com,\ncid@example.com,true\n").status_code == 403
    assert User.objects.count() == 1


def test_staff_import_no_attributes_that_they_could_not_change(send, user, settings):
    kinds = {"shift": "staff", "rank": "import"}
    properties = {name: {"type": "string", "x-editable": editable} for name, editable in kinds.items()}
    settings.USER_ATTRIBUTES = {"type": "object", "properties": properties}
    reserved = "email,attributes.rank\ncid@example.com,chief\n"
    assert send(reserved).status_code == 403
    assert send("email,attributes.shift,attributes.rank\nbob@example.com,day,\n").json()["created"] == 1
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    user.refresh_from_db()
    assert send(reserved).json()["created"] == 1


def test_imported_files_have_limits(send, settings, monkeypatch):
    monkeypatch.setattr(imports, "MAX_LINES", 1)
    refused = send(PEOPLE)
    assert (refused.status_code, refused.json()["details"]["file"][0]["code"]) == (422, "too_many_lines")
    monkeypatch.setattr(imports, "MAX_LINES", 2)
    monkeypatch.setattr(imports, "MAX_INVITED", 1)
    assert send(PEOPLE, invite="true").status_code == 422
    assert User.objects.count() == 1
    settings.MAX_BODY_BYTES = 1000
    assert send("email\n" + "x" * 1000).status_code == 413


@pytest.mark.parametrize("fields", [{"dry_run": "perhaps"}, {"file": "email"}, {"file": ""}])
def test_a_wrong_field_of_the_form_is_refused(send, api, fields):
    answer = send(PEOPLE, **fields) if "file" not in fields else api.post(PATH, fields, format="multipart")
    assert (answer.status_code, list(answer.json()["details"])) == (422, list(fields))
    assert api.post(PATH, {"file": "x"}, format="json").status_code == 415
    broken = api.post(PATH, b"no parts", content_type="multipart/form-data")
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_request")


def test_the_list_is_downloaded_with_its_filters(send, api, user, settings, allow):
    settings.USER_ATTRIBUTES = {
        "properties": {"shift": {"type": "string"}, "old": {"type": "string", "x-visible": "hidden"}}
    }
    send(PEOPLE)
    User.objects.filter(email="bob@example.com").update(attributes={"shift": "night", "old": "secret"})
    answer = api.get("/api/v1/users/?format=csv&search=bob")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    row = next(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))
    assert (row["email"], row["phone"], row["attributes"]) == (
        "bob@example.com",
        "'+4915112345678",
        '{"shift": "night"}',
    )
    event = SecurityEvent.objects.get(kind="users_exported")
    assert (event.actor, event.details) == (user, {"filters": ["search"]})
    assert len(b"".join(api.get("/api/v1/users/?format=csv").streaming_content).splitlines()) == 4
    wrong = api.get("/api/v1/users/?format=csv&is_active=perhaps")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ("page_size=101", 422, "validation_error"),
        ("ordering=phone", 422, "validation_error"),
        ("cursor=x", 400, "malformed_request"),
    ],
)
def test_a_download_refuses_what_the_list_refuses_of_a_page(api, user, allow, wrong, status, code):
    allow(user, "users:read")
    api.force_authenticate(user)
    for form in ("json", "csv"):
        refused = api.get(f"/api/v1/users/?format={form}&{wrong}")
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert api.get("/api/v1/users/?format=csv&page_size=1&ordering=email&cursor=").status_code == 200


def test_the_download_needs_the_permission_to_read(api, user, allow):
    allow(user, "users:create")
    api.force_authenticate(user)
    assert api.get("/api/v1/users/?format=csv").status_code == 403
    assert not SecurityEvent.objects.filter(kind="users_exported").exists()


def test_only_superusers_set_the_password_of_others(api, user, make_user, allow, sign_in):
    bob = make_user("bob@example.com")
    path, new = f"/api/v1/users/{bob.pk}/password/", "Another-Grill-2027!"
    allow(user, "users:update")
    api.force_authenticate(user)
    assert api.post(path, {"password": new}).status_code == 403
    user.is_superuser = True
    user.save(update_fields=["is_superuser"])
    for wrong in ("short", "", "a\x00b", 7):
        assert api.post(path, {"password": wrong}).status_code == 422
    assert api.post(path, {}).status_code == 422
    assert api.post(path, {"password": new}).status_code == 204
    api.force_authenticate(None)
    assert sign_in("bob@example.com", new)["user"]["id"] == bob.pk
    api.force_authenticate(user)
    assert api.post(path, {"password": None}).status_code == 204
    assert not User.objects.get(pk=bob.pk).has_usable_password()
    own = api.post(f"/api/v1/users/{user.pk}/password/", {"password": PASSWORD + "x"})
    assert own.status_code in {403, 409}
