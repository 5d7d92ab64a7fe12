"""Users as CSV in the admin: a dry run, the import, its error report, and the export of what the list shows."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import SecurityEvent, User
from accounts.tests.admin.test_admin import admin  # noqa: F401  a fixture
from notifications.models import Message
from rbac.models import Role
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db(transaction=True)

IMPORT, EXPORT = "/admin/accounts/user/import/", "/admin/accounts/user/export/"
FILE = b"email,first_name\nnew@example.com,Noor\nann@example.com,Ann\nwrong,Bob\nother@example.com,Kim\n"


def upload(content=FILE, **given):
    return {"file": SimpleUploadedFile("people.csv", content), **given}


def checked(page, **given):
    """What the page after a dry run sends."""
    return {"checked": page.context["form"]["checked"].value(), **given}


def rows_of(answer):
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))


def test_a_dry_run_counts_and_explains_and_creates_nothing(admin, user):  # noqa: F811
    page = admin.post(IMPORT, upload())
    report = page.context["report"]
    assert (report.lines, report.created, report.present, report.refused) == (4, 2, 1, 1)
    assert "Create 2 accounts" in page.content.decode()
    assert [(one.line, one.field) for one in page.context["problems"]] == [(4, "email")]
    assert not User.objects.filter(email="new@example.com").exists()
    answer = admin.post(IMPORT, checked(page, report="1"))
    assert answer["Content-Disposition"] == 'attachment; filename="problems.csv"'
    assert [row[:2] for row in rows_of(answer)] == [["line", "field"], ["4", "email"]]


def test_confirming_imports_the_file_that_was_checked(admin, user):  # noqa: F811
    page = admin.post(IMPORT, upload(invite="on"))
    assert 'name="invite"' in page.content.decode()
    done = admin.post(IMPORT, checked(page, invite="on", confirmed="1"))
    assert (done.context["report"].created, done.context["is_done"]) == (2, True)
    assert User.objects.get(email="new@example.com").first_name == "Noor"
    assert Message.objects.filter(template="invitation").count() == 2
    assert SecurityEvent.objects.get(kind="user_created", user__email="new@example.com").actor == admin.boss


@pytest.mark.once
@pytest.mark.parametrize(
    "given",
    [
        {}, upload(b"name\nAnn\n"), upload(b"email\n" + b"x" * (2 * 1024 * 1024)), {"checked": "no base64!"},
        {"checked": "bm8gemxpYg==", "confirmed": "1"}, upload(b"email\n" + b"a@example.com\n" * 5001),
    ],
    ids=["nothing", "other columns", "too large", "changed", "changed and confirmed", "too long"],
)  # fmt: skip
def test_what_is_no_file_of_users_is_refused_at_its_field(admin, given):  # noqa: F811
    page = admin.post(IMPORT, given)
    assert page.context["form"].errors["file"]
    assert User.objects.count() == 1


def test_an_import_has_the_rights_of_the_person(client, admin, make_user):  # noqa: F811
    ben = make_user("ben@example.com", is_staff=True)
    client.force_login(ben)
    assert client.get(IMPORT).status_code == client.post(IMPORT, upload()).status_code == 403
    clerk = roles.create(actor=None, edit=roles.RoleEdit(name="Clerk", permissions=["users:create"]))
    assignments.grant(actor=None, user=ben, role=clerk)
    assert client.get(IMPORT).status_code == 200
    page = client.post(IMPORT, upload(b"email,email_verified\nnew@example.com,true\n"))
    assert page.context["form"].non_field_errors(), "only superusers vouch for addresses"


def test_the_export_has_what_the_list_shows_and_is_recorded(admin, user, make_user):  # noqa: F811
    make_user("bob@example.com", phone="+4917604069000", first_name="Bob")
    assert f"{EXPORT}?q=bob" in admin.get("/admin/accounts/user/?q=bob").content.decode()
    header, *rows = rows_of(admin.get(f"{EXPORT}?q=bob&is_active__exact=1"))
    assert header[:4] == ["email", "first_name", "last_name", "phone"]
    assert [row[:4] for row in rows] == [["bob@example.com", "Bob", "", "'+4917604069000"]]
    event = SecurityEvent.objects.get(kind="users_exported")
    assert (event.actor, event.details) == (admin.boss, {"filters": ["is_active__exact", "q"]})
    assert admin.get(f"{EXPORT}?password__startswith=x").status_code in {302, 400}
    assert SecurityEvent.objects.filter(kind="users_exported").count() == 1


def test_only_who_sees_users_exports_them_and_only_those_they_see(client, admin, make_user):  # noqa: F811
    ben = make_user("ben@example.com", is_staff=True)
    client.force_login(ben)
    assert client.get(EXPORT).status_code == 403
    assignments.grant(actor=None, user=ben, role=Role.objects.get(name="Fleet manager"), scope="fleet:1")
    assert rows_of(client.get(EXPORT))[1:] == []
