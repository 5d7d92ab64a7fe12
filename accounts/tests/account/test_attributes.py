"""Custom attributes: who sees, changes and filters by them."""

import csv
import io

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from accounts.models import User

pytestmark = pytest.mark.django_db

SCHEMA = {
    "type": "object",
    "properties": {
        "shift": {"type": "string", "enum": ["day", "night"], "x-editable": "owner"},
        "employee_number": {"type": "string", "pattern": "^[0-9]{6}$", "title": "Employee number"},
        "vehicle": {"type": "string", "x-editable": "owner"},
        "seats": {"type": "integer", "minimum": 1},
        "trained": {"type": "boolean", "x-visible": "staff"},
        "rating": {"type": "number", "x-visible": "staff", "x-editable": "import"},
        "legacy_id": {"type": "string", "x-visible": "hidden"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "dependentRequired": {"vehicle": ["shift"]},
}
ME, USERS = "/api/v1/users/me/", "/api/v1/users/"


@pytest.fixture(autouse=True)
def _schema(settings):
    settings.USER_ATTRIBUTES = SCHEMA


@pytest.fixture
def as_owner(api, sign_in, user):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in()['access']}")
    return api


@pytest.fixture
def as_staff(api, make_user):
    api.force_authenticate(make_user("boss@example.com", is_superuser=True))
    return api


def stored(user, **values):
    User.objects.filter(pk=user.pk).update(attributes=values)


def problems(response):
    assert response.status_code == 422, response.content
    return {name: entries[0]["code"] for name, entries in response.json()["details"].items()}


def test_owners_see_and_change_what_is_theirs(as_owner, user):
    stored(user, shift="day", employee_number="123456", trained=True, rating=4.5, legacy_id="x")
    assert as_owner.get(ME).json()["attributes"] == {"shift": "day", "employee_number": "123456"}
    changed = as_owner.patch(ME, {"attributes": {"shift": "night", "vehicle": "HH-FF 12"}})
    assert changed.json()["attributes"] == {"shift": "night", "employee_number": "123456", "vehicle": "HH-FF 12"}
    user.refresh_from_db()
    assert user.attributes["legacy_id"] == "x"
    assert as_owner.patch(ME, {"attributes": {"vehicle": None}}).json()["attributes"].get("vehicle") is None
    assert as_owner.patch(ME, {"first_name": "Ann"}).json()["attributes"]["shift"] == "night"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"employee_number": "654321"}, {"attributes.employee_number": "not_editable"}),
        ({"trained": False}, {"attributes.trained": "unknown_attribute"}),
        ({"legacy_id": "y"}, {"attributes.legacy_id": "unknown_attribute"}),
        ({"nonsense": 1}, {"attributes.nonsense": "unknown_attribute"}),
        ({"shift": "evening"}, {"attributes.shift": "invalid"}),
        ({"shift": 5}, {"attributes.shift": "invalid"}),
        ({"vehicle": "HH-FF 12"}, {"attributes": "invalid"}),
        ({"shift": "day", "vehicle": "x" * 9000}, {"attributes": "invalid"}),
        ({"shift": "day", "vehicle": "a\x00b"}, {"attributes": "invalid"}),
        (["shift"], {"attributes": "not_a_dict"}),
        ("night", {"attributes": "not_a_dict"}),
    ],
)
def test_a_wrong_or_foreign_attribute_is_refused_and_changes_nothing(as_owner, user, values, expected):
    assert problems(as_owner.patch(ME, {"attributes": values})) == expected
    user.refresh_from_db()
    assert user.attributes == {}


def test_staff_see_and_change_what_is_for_staff(as_staff, user):
    stored(user, shift="day", legacy_id="x", rating=4.5)
    path = f"{USERS}{user.pk}/"
    assert as_staff.get(path).json()["attributes"] == {"shift": "day", "rating": 4.5}
    body = {"attributes": {"employee_number": "123456", "trained": True, "shift": None}}
    assert as_staff.patch(path, body).json()["attributes"] == {
        "employee_number": "123456", "trained": True, "rating": 4.5,
    }  # fmt: skip
    assert problems(as_staff.patch(path, {"attributes": {"rating": 5}})) == {"attributes.rating": "not_editable"}
    assert problems(as_staff.patch(path, {"attributes": {"legacy_id": "y"}})) == {
        "attributes.legacy_id": "unknown_attribute"
    }
    created = as_staff.post(USERS, {"email": "new@example.com", "attributes": {"seats": 3}})
    assert (created.status_code, created.json()["attributes"]) == (201, {"seats": 3})
    wrong = as_staff.post(USERS, {"email": "newer@example.com", "attributes": {"seats": 0}})
    assert problems(wrong) == {"attributes.seats": "invalid"}
    assert "0" not in wrong.json()["details"]["attributes.seats"][0]["message"]


def test_the_list_is_filtered_by_attributes(as_staff, make_user):
    for name, values in {
        "a": {"shift": "night", "seats": 2, "trained": True}, "b": {"shift": "night", "seats": 3},
        "c": {"shift": "day", "legacy_id": "x"}, "d": {},
    }.items():  # fmt: skip
        stored(make_user(f"{name}@example.com"), **values)

    def found(query):
        return sorted(one["email"][0] for one in as_staff.get(f"{USERS}?{query}").json()["results"])

    assert found("attributes.shift=night") == ["a", "b"]
    assert found("attributes.shift=night&attributes.seats=3") == ["b"]
    assert found("attributes.trained=true") == ["a"]
    assert found("attributes.seats=many") == []
    assert found("attributes.shift=night&search=a@example") == ["a"]
    for query in ("attributes.legacy_id=x", "attributes.nonsense=1", "attributes.tags=x", "attributes.shift__in=a"):
        assert "unknown_attribute" in problems(as_staff.get(f"{USERS}?{query}")).values()


@pytest.mark.postgres
def test_a_filter_by_attributes_can_use_the_index():
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "accounts_user_attributes" in User.objects.with_attributes({"shift": "night"}).explain()


def test_the_own_export_has_every_attribute(as_owner, user):
    stored(user, shift="day", trained=True, legacy_id="x")
    profile = as_owner.get("/api/v1/users/me/export/").json()["profile"]
    assert profile["attributes"] == {"shift": "day", "trained": True, "legacy_id": "x"}


def test_a_deleted_account_has_no_attributes(as_staff, user):
    stored(user, shift="day")
    assert as_staff.delete(f"{USERS}{user.pk}/").status_code == 204
    user.refresh_from_db()
    assert user.attributes == {}


def test_an_import_sets_all_attributes_and_reports_wrong_ones(tmp_path):
    path, report = tmp_path / "people.csv", tmp_path / "report.csv"
    path.write_text(
        "email,attributes.shift,attributes.seats,attributes.legacy_id,attributes\n"
        'a@example.com,night,4,x,"{""trained"": true}"\n'
        "b@example.com,evening,,,\n"
        "c@example.com,,many,,\n"
        'd@example.com,,,,"{""nonsense"": 1}"\n'
        "e@example.com,,,,[]\n"
        "f@example.com,,,,\n"
    )
    call_command("import_users", str(path), "--errors", str(report), stdout=io.StringIO())
    rows = list(csv.reader(report.read_text().splitlines()))[1:]
    assert [row[:2] for row in rows] == [
        ["3", "attributes.shift"], ["4", "attributes.seats"], ["5", "attributes.nonsense"], ["6", "attributes"],
    ]  # fmt: skip
    assert User.objects.get(email="a@example.com").attributes == {
        "shift": "night", "seats": 4, "legacy_id": "x", "trained": True,
    }  # fmt: skip
    assert User.objects.get(email="f@example.com").attributes == {}


def test_what_was_stored_under_another_schema_prevents_no_other_change(as_owner, user):
    stored(user, shift="evening", gone=1)
    assert as_owner.get(ME).json()["attributes"] == {"shift": "evening"}
    assert as_owner.patch(ME, {"attributes": {"vehicle": "HH-FF 12"}}).status_code == 200
    user.refresh_from_db()
    assert user.attributes == {"shift": "evening", "gone": 1, "vehicle": "HH-FF 12"}


def test_two_changes_at_once_keep_both(user):
    from accounts.services.account import profile

    stale = User.objects.get(pk=user.pk)
    profile.change(user=user, attributes={"shift": "day"})
    profile.change(user=stale, attributes={"vehicle": "x"})
    user.refresh_from_db()
    assert user.attributes == {"shift": "day", "vehicle": "x"}


def test_without_a_schema_there_are_no_attributes(settings, as_owner):
    settings.USER_ATTRIBUTES = {}
    assert as_owner.get(ME).json()["attributes"] == {}
    assert problems(as_owner.patch(ME, {"attributes": {"shift": "day"}})) == {"attributes.shift": "unknown_attribute"}


def test_the_openapi_document_describes_the_attributes_of_each_reader():
    schemas = SchemaGenerator().get_schema(public=True)["components"]["schemas"]
    described = {
        name: schemas[name]["properties"]["attributes"]["properties"]
        for name in ("Me", "PatchedMeRequest", "DirectoryUser", "PatchedUserChangeRequest")
    }
    of_owner, of_staff = {"shift", "employee_number", "vehicle", "seats", "tags"}, {"trained", "rating"}
    assert described["Me"].keys() == of_owner
    assert described["PatchedMeRequest"].keys() == {"shift", "vehicle"}
    assert described["DirectoryUser"].keys() == of_owner | of_staff
    assert described["PatchedUserChangeRequest"].keys() == of_owner | {"trained"}
    assert described["DirectoryUser"]["seats"] == {"type": "integer", "minimum": 1}
    assert described["PatchedMeRequest"]["shift"] == {
        "type": "string",
        "enum": ["day", "night", None],
        "nullable": True,
    }
