"""Accounts from a CSV file."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import OneTimeToken, SecurityEvent, TOTPDevice, User
from accounts.services.staff import import_columns, imports
from accounts.services.staff.imports import Mode
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from rbac.models import RoleAssignment, ScopeMembership, UserStatus
from rbac.services import scopes

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "email,first_name,last_name,phone,language\n"


def summary(lines, made, there=0, refused=0, word="created"):
    return f"{lines:,} lines: {made:,} {word}, {there:,} already there, {refused:,} rejected."


def refusals(rows):
    return [(int(line), field) for line, field, _message in rows]


def test_each_line_becomes_an_account_that_is_recorded(run):
    said, rows = run(HEADER + "Ann@Example.com, Ann ,Lee,+49 170 1234567,de\nbob@example.com,,,,\n")
    assert (said, rows) == (summary(2, 2), [])
    ann = User.objects.get(email="ann@example.com")
    assert (ann.first_name, ann.last_name, ann.phone, ann.language) == ("Ann", "Lee", "+491701234567", "de")
    assert not ann.has_usable_password()
    assert ann.email_verified_at is None
    assert list(SecurityEvent.objects.of(ann).values_list("kind", flat=True)) == ["user_created"]
    assert UserStatus.objects.of(ann).get().is_active
    assert mail.outbox == []


def test_the_columns_may_stand_in_any_order_and_be_left_out(run):
    said, _rows = run("Last_Name,EMAIL\nLee,ann@example.com\n")
    assert said == summary(1, 1)
    assert User.objects.get().last_name == "Lee"


def test_an_imported_user_can_request_a_password_link(run, api, link_token, sign_in):
    run(HEADER + "ann@example.com,,,,\n")
    api.post("/api/v1/auth/password/forgot/", {"email": "ann@example.com"})
    body = {"token": link_token("/password/reset/"), "password": PASSWORD}
    assert api.post("/api/v1/auth/password/reset/", body).status_code == 204
    assert sign_in()["user"]["email"] == "ann@example.com"


def test_the_invited_choose_a_password_by_the_link_in_their_mail(run, api, link_token, sign_in):
    said, _rows = run(HEADER + "ann@example.com,Ann,,,\nbob@example.com,,,,de\n", "--invite")
    assert said == summary(2, 2, word="created and invited")
    assert sorted(message.to[0] for message in mail.outbox) == ["ann@example.com", "bob@example.com"]
    token = link_token("/password/reset/", "ann@example.com")
    assert api.post("/api/v1/auth/password/reset/", {"token": token, "password": PASSWORD}).status_code == 204
    assert sign_in()["user"]["email"] == "ann@example.com"
    mail.outbox.clear()
    run(HEADER + "ann@example.com,Ann,,,\nbob@example.com,,,,de\n", "--invite")
    assert mail.outbox == []
    assert OneTimeToken.objects.filter(purpose="invitation").count() == 2


def test_a_dry_run_tells_the_same_and_makes_nothing(run, user):
    content = HEADER + "ann@example.com,,,,\nbob@example.com,,,,\nnobody,,,,\n"
    said, rows = run(content, "--dry-run", "--invite")
    assert (said, refusals(rows)) == (summary(3, 1, 1, 1, word="to be created"), [(4, "email")])
    assert User.objects.get() == user
    assert mail.outbox == []


def test_every_wrong_line_is_reported_and_keeps_no_other_back(run):
    lines = [
        "ann@example.com,Ann,Lee,,",  # 2
        "nobody,,,,",
        ",Nobody,,,",
        "nul@example.com,A\x00nn,,,",  # 5
        f"long@example.com,{'x' * 151},{'y' * 151},,",
        f"{'l' * 250}@example.com,,,,",
        "phone@example.com,,,12345,",
        "tongue@example.com,,,,xx",
        "few@example.com,,",  # 10
        "many@example.com,,,,,",
        'open@example.com,"Ann,,,',
        'shut@example.com,"Ann"e,,,',
        "ANN@example.com,,,,",
        "",
        'quoted@example.com,"Lee, ""Bo""",,,',  # 16
        "unicode@example.com,Zoë,李,,",
    ]
    said, rows = run(HEADER + "\r\n".join(lines))
    assert refusals(rows) == [
        (3, "email"), (4, "email"), (5, "first_name"), (6, "first_name"), (6, "last_name"), (7, "email"),
        (8, "phone"), (9, "language"), (10, ""), (11, ""), (12, ""), (13, ""), (14, "email"),
    ]  # fmt: skip
    assert "line 2" in rows[-1][2]
    assert said == summary(15, 3, refused=12)
    assert set(User.objects.values_list("first_name", flat=True)) == {"Ann", 'Lee, "Bo"', "Zoë"}


def test_an_address_whose_first_line_was_wrong_is_taken_from_the_next(run):
    said, rows = run(HEADER + "ann@example.com,,,nonsense,\nann@example.com,Ann,,,\n")
    assert (said, refusals(rows)) == (summary(2, 1, refused=1), [(2, "phone")])
    assert User.objects.get().first_name == "Ann"


def test_an_import_tells_duplicates_from_existing_accounts(run):
    content = HEADER + "ann@example.com,,,,\nbob@example.com,,,,\nann@example.com,,,,\n"
    assert run(content)[0] == summary(3, 2, refused=1)
    said, rows = run(content)
    assert (said, refusals(rows)) == (summary(3, 0, 2, 1), [(4, "email")])


def test_a_missing_file_and_a_report_into_the_file_itself_are_refused(tmp_path):
    path = tmp_path / "people.csv"
    with pytest.raises(CommandError, match="no such file"):
        call_command("import_users", str(path))
    path.write_text(HEADER)
    with pytest.raises(CommandError, match="must be another file"):
        call_command("import_users", str(path), "--errors", str(path))
    assert path.read_text() == HEADER


def test_an_unclaimed_account_with_the_address_is_replaced(run, api):
    api.post("/api/v1/auth/register/", {"email": "ann@example.com", "password": PASSWORD})
    assert run(HEADER + "ann@example.com,Ann,,,\n")[0] == summary(1, 1)
    assert not User.objects.get(email="ann@example.com").has_usable_password()


def file_of(count, domain="example.com"):
    lines = (f"person{number}@{domain},Person,Number{number},,en\n" for number in range(count))
    return io.BytesIO((HEADER + "".join(lines)).encode())


def queries_of(count, domain):
    with CaptureQueriesContext(connection) as queries:
        for progress in imports.import_users(file_of(count, domain), mode=Mode.CREATE, client=Client()):
            assert progress.refused == 0
    return len(queries)


@pytest.mark.postgres
def test_a_batch_takes_the_same_few_queries_however_many_lines_it_has(monkeypatch):
    monkeypatch.setattr(imports, "reset_queries", lambda: None)  # they are counted here
    queries_of(1, "first.example")  # reads what the process keeps, such as webhook endpoints
    few, many, four_batches = queries_of(10, "a.example"), queries_of(1000, "b.example"), queries_of(4000, "c.example")
    assert few == many <= 8
    assert four_batches == 4 * many
    assert User.objects.count() == 5011


def test_an_import_that_stops_in_the_middle_is_continued(monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 50)
    running = imports.import_users(file_of(220), mode=Mode.CREATE, client=Client())
    assert [next(running).created for _batch in range(2)] == [50, 100]
    running.close()
    assert User.objects.count() == 100
    *_, last = imports.import_users(file_of(220), mode=Mode.CREATE, client=Client())
    assert (last.lines, last.created, last.present, last.refused) == (220, 120, 100, 0)


def in_a_thread(work):
    def call():
        work()
        connection.close()

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@pytest.mark.postgres
def test_a_batch_counts_a_concurrently_created_account_as_existing(monkeypatch):
    hashed, made = imports.make_password, []

    def while_somebody_registers(password):
        if not made:
            made.append("person7@example.com")
            in_a_thread(lambda: User.objects.create_user(made[0], last_login=timezone.now()))
        return hashed(password)

    monkeypatch.setattr(imports, "make_password", while_somebody_registers)
    *_, last = imports.import_users(file_of(20), mode=Mode.CREATE, client=Client())
    assert (last.created, last.present) == (19, 1)
    assert User.objects.count() == 20


@pytest.mark.postgres
def test_a_killed_import_can_be_run_again_without_duplicates(tmp_path, settings):
    path = tmp_path / "people.csv"
    path.write_bytes(file_of(30000).getvalue())
    manage = Path(settings.BASE_DIR) / "manage.py"
    name = connection.settings_dict
    url = f"postgres://{name['USER']}@{name['HOST']}:{name['PORT']}/{name['NAME']}"
    command = [sys.executable, str(manage), "import_users", str(path)]
    process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url}, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while User.objects.count() < 3000 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = User.objects.count()
    assert 3000 <= before < 30000
    assert before % imports.BATCH == 0
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, check=True)
    assert summary(30000, 30000 - before, before) in done.stdout
    assert User.objects.count() == SecurityEvent.objects.count() == UserStatus.objects.count() == 30000


COLUMNS = "email,password_hash,email_verified,phone,phone_verified,is_active,must_change_password,created_at,roles,totp_secret\n"
HASH = "pbkdf2_sha256$1000$salt$" + "A" * 43 + "="
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_each_column_becomes_state_of_the_account(run):
    line = f"ann@example.com,{HASH},yes,+491701234567,t,true,1,2020-02-03,Driver;Dispatcher@fleet:12,{SECRET}\n"
    said, rows = run(COLUMNS + line + "bob@example.com,,false,,,no,,2020-02-03T10:00:00+02:00,,\n")
    assert (said, rows) == (summary(2, 2), [])
    ann, bob = User.objects.get(email="ann@example.com"), User.objects.get(email="bob@example.com")
    assert ann.password == HASH
    assert all((ann.email_verified_at, ann.phone_verified_at, ann.is_active, ann.must_change_password))
    assert ann.created_at.isoformat() == "2020-02-03T00:00:00+00:00"
    assert bob.created_at.isoformat() == "2020-02-03T08:00:00+00:00"
    assert not any((bob.email_verified_at, bob.phone_verified_at, bob.is_active, bob.has_usable_password()))
    assignment = RoleAssignment.objects.of(ann).values_list("role__name", "scope")
    assert sorted(assignment) == [("Dispatcher", "fleet:12"), ("Driver", "")]
    device = TOTPDevice.objects.get()
    assert (device.user, device.confirmed, device.decrypt_secret(device.secret)) == (ann, True, SECRET)
    kinds = list(SecurityEvent.objects.of(ann).values_list("kind", flat=True))
    assert sorted(kinds) == ["role_granted", "role_granted", "user_created"]
    assert ann.has_perm("users:read", "fleet:12")


def test_an_account_becomes_a_member_of_scopes_that_exist(run):
    scopes.create(actor=None, kind="fleet", key="12")
    said, rows = run("email,scopes\nann@example.com,fleet:12; fleet:12\nbob@example.com,fleet:13\ncarl@example.com,\n")
    assert (said, refusals(rows)) == (summary(3, 2, refused=1), [(3, "scopes")])
    members = ScopeMembership.objects.values_list("user__email", "scope")
    assert list(members) == [("ann@example.com", "fleet:12")]


def test_a_second_run_changes_nothing_of_what_the_first_one_made(run):
    content = COLUMNS + f"ann@example.com,{HASH},no,,,,,,Driver,{SECRET}\n"
    run(content)
    ann = User.objects.get()
    assert run(content)[0] == summary(1, 0, there=1)
    assert User.objects.get().pk == ann.pk
    assert RoleAssignment.objects.count() == TOTPDevice.objects.count() == 1


def test_imported_users_with_a_password_are_not_invited(run):
    run("email,password_hash\n" + f"ann@example.com,{HASH}\nbob@example.com,\n", "--invite")
    assert [message.to for message in mail.outbox] == [["bob@example.com"]]


@pytest.fixture
def clerk(make_user, allow):
    clerk = make_user("clerk@example.com")
    allow(clerk, "users:create", "users:read", "roles:assign")
    return clerk


@pytest.mark.parametrize(
    "line",
    [
        f"password_hash\nann@example.com,{HASH}\n",
        f"totp_secret\nann@example.com,{SECRET}\n",
        "email_verified\na@b.example,1\n",
    ],
)
def test_only_superusers_import_passwords_and_totp_secrets(run, clerk, line):
    with pytest.raises(CommandError, match="may not import"):
        run("email," + line, "--actor", clerk.email)
    assert User.objects.count() == 1


def test_an_actor_imports_no_role_with_more_than_their_own_permissions(run, clerk, make_user):
    with pytest.raises(CommandError, match="may not import"):
        run("email,roles\nann@example.com,Administrator\n", "--actor", clerk.email, "--dry-run")
    assert User.objects.count() == 1
    boss = make_user("boss@example.com", is_superuser=True)
    assert run("email,roles\nann@example.com,Administrator\n", "--actor", boss.email)[0] == summary(1, 1)
    assert RoleAssignment.objects.latest("pk").granted_by == boss


def test_an_actor_imports_members_with_the_right_to_add_them(run, clerk, allow):
    scopes.create(actor=None, kind="fleet", key="12")
    line = "email,scopes\nann@example.com,fleet:12\n"
    with pytest.raises(CommandError, match="may not import"):
        run(line, "--actor", clerk.email, "--dry-run")
    allow(clerk, "scopes:update")
    assert run(line, "--actor", clerk.email)[0] == summary(1, 1)
    assert ScopeMembership.objects.get().added_by == clerk


def test_who_may_not_create_users_imports_none(run, user):
    with pytest.raises(CommandError, match="may not import"):
        run("email\nbob@example.com\n", "--actor", user.email)
    with pytest.raises(CommandError, match="no user"):
        run("email\nbob@example.com\n", "--actor", "nobody@example.com")


def test_secrets_are_in_no_response_log_or_export(run, api, make_user):
    run(COLUMNS + f"ann@example.com,{HASH},yes,,,,,,,{SECRET}\n")
    boss = make_user("boss@example.com", is_superuser=True)
    api.force_authenticate(boss)
    ann = User.objects.get(email="ann@example.com")
    pages = [api.get(f"/api/v1/users/{ann.pk}/"), api.get("/api/v1/users/"), api.get("/api/v1/users/me/export/")]
    assert not any(secret in str(page.content) for page in pages for secret in (HASH[24:], SECRET, "pbkdf2"))
    row = import_columns.validated(2, 1, {"password_hash": HASH})
    assert HASH not in repr(row)


@pytest.mark.postgres
def test_a_batch_with_hashes_and_apps_takes_no_query_for_each_line(monkeypatch):
    monkeypatch.setattr(imports, "reset_queries", lambda: None)

    def queries(count, domain):
        lines = "".join(f"p{n}@{domain},{HASH},yes,{SECRET}\n" for n in range(count))
        source = io.BytesIO(("email,password_hash,email_verified,totp_secret\n" + lines).encode())
        with CaptureQueriesContext(connection) as captured:
            list(imports.import_users(source, mode=Mode.CREATE, client=Client()))
        return len(captured)

    queries(1, "first.example")  # reads what the process keeps, such as webhook endpoints
    assert queries(10, "a.example") == queries(500, "b.example")
