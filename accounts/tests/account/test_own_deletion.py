"""Owners delete their own account: request, 14 days to cancel, reminder, end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts import signals, tasks
from accounts.models import SecurityEvent, Session, User
from accounts.services.account import own_deletion
from accounts.services.staff import users
from conftest import PASSWORD
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)
ME, CANCEL = "/api/v1/users/me/", "/api/v1/users/me/deletion/cancel/"
BANNER = "Your account will be deleted on"


@pytest.fixture
def ann(api, user, sign_in):
    """The API with Ann signed in just now."""
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in()['access']}")
    mail.outbox.clear()
    return api


def subjects():
    return [message.subject for message in mail.outbox]


def after(**elapsed):
    return timezone.now() + timedelta(**elapsed)


def test_a_request_plans_the_deletion_in_14_days_and_ends_other_sessions(ann, user, sign_in):
    sign_in()
    mail.outbox.clear()
    answer = ann.delete(ME)
    assert (answer.status_code, list(answer.json())) == (202, ["deleted_at"])
    due = datetime.fromisoformat(answer.json()["deleted_at"])
    assert abs(due - after(days=14)) < timedelta(minutes=1)
    assert answer.json()["deleted_at"].endswith("Z")
    assert ann.get(ME).json()["deletion_due_at"] == answer.json()["deleted_at"]
    assert Session.objects.live(timezone.now()).filter(user=user).count() == 1
    assert subjects() == ["Your account will be deleted"]
    assert "/account/not-me/" in str(mail.outbox[0].body)
    assert sign_in()["access"]


def test_a_second_request_changes_nothing(ann):
    first = ann.delete(ME).json()
    assert ann.delete(ME).json() == first
    assert len(mail.outbox) == 1


def test_cancelling_keeps_the_account(ann, user):
    ann.delete(ME)
    assert [ann.post(CANCEL).status_code for _ in range(2)] == [204, 204]
    assert ann.get(ME).json()["deletion_due_at"] is None
    assert own_deletion.perform_due(now=after(days=15)) == 0
    kinds = list(SecurityEvent.objects.of(user).order_by("pk").values_list("kind", flat=True))
    assert kinds[-2:] == ["deletion_requested", "deletion_cancelled"]


@pytest.mark.parametrize(("method", "path"), [("delete", ME), ("post", CANCEL)])
def test_both_calls_need_reauthentication(ann, user, method, path):
    Session.objects.filter(user=user).update(reauthenticated_at=after(minutes=-11))
    answer = getattr(ann, method)(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "fresh_proof_required")
    assert ann.post("/api/v1/auth/proof/", {"password": PASSWORD}).status_code == 204
    assert getattr(ann, method)(path).status_code in (202, 204)


def test_the_owner_is_reminded_once_and_told_at_the_end(ann, user):
    User.objects.filter(pk=user.pk).update(language="de", phone="+4915123456789")
    ann.delete(ME)
    mail.outbox.clear()
    assert own_deletion.remind_due(now=after(days=10)) == 0
    assert [own_deletion.remind_due(now=after(days=12)) for _ in range(2)] == [1, 0]
    assert own_deletion.perform_due(now=after(days=13, hours=23)) == 0
    assert own_deletion.perform_due(now=after(days=14, minutes=1)) == 1
    assert [message.to for message in mail.outbox] == [["ann@example.com"]] * 2
    assert subjects() == ["Dein Konto wird bald gelöscht", "Dein Konto wurde gelöscht"]
    gone = User.objects.get(pk=user.pk)
    assert (gone.email, gone.phone, gone.is_active) == (f"deleted-{user.pk}@deleted.invalid", "", False)
    assert (gone.deleted_at is None, gone.deletion_due_at) == (False, None)
    assert ann.get(ME).status_code == 401


def test_the_periodic_task_deletes(ann, user):
    ann.delete(ME)
    User.objects.filter(pk=user.pk).update(deletion_due_at=after(seconds=-1))
    tasks.delete_due()
    assert User.objects.get(pk=user.pk).deleted_at


def test_an_account_that_another_app_keeps_does_not_stop_the_others(ann, user, make_user):
    bob = make_user("bob@example.com")
    User.objects.filter(pk__in=[user.pk, bob.pk]).update(deletion_due_at=after(seconds=-1))

    def keep_ann(user, **kwargs):
        if user.email == "ann@example.com":
            raise ConflictException

    signals.user_deleted.connect(keep_ann)
    try:
        assert own_deletion.perform_due() == 1
    finally:
        signals.user_deleted.disconnect(keep_ann)
    assert [User.objects.get(pk=one.pk).deleted_at is None for one in (user, bob)] == [True, False]


def test_simultaneous_runs_delete_once(ann, user):
    ann.delete(ME)
    mail.outbox.clear()
    User.objects.filter(pk=user.pk).update(deletion_due_at=after(seconds=-1), deletion_reminded=True)

    def run(_number):
        try:
            return own_deletion.perform_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 1
    assert SecurityEvent.objects.filter(kind="user_deleted").count() == 1
    assert len(mail.outbox) == 1


def test_the_last_superuser_is_refused_and_of_two_only_one_goes(ann, user, make_user, sign_in):
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    answer = ann.delete(ME)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    make_user("boss@example.com", is_superuser=True)
    assert ann.delete(ME).status_code == 202
    ann.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in('boss@example.com')['access']}")
    assert ann.delete(ME).status_code == 409
    User.objects.with_email("boss@example.com").update(is_active=False)
    assert own_deletion.perform_due(now=after(days=15)) == 0
    assert User.objects.get(pk=user.pk).is_active


def test_a_compromise_report_keeps_the_account(ann, user, link_token):
    ann.delete(ME)
    token = link_token("/account/not-me/")
    assert ann.post("/api/v1/auth/compromise/", {"token": token}).status_code == 204
    assert User.objects.get(pk=user.pk).deletion_due_at is None


def test_staff_may_delete_at_once_in_between(ann, user):
    ann.delete(ME)
    mail.outbox.clear()
    users.delete(pk=user.pk, actor=None, client=Client())
    assert own_deletion.perform_due(now=after(days=15)) == 0
    assert not mail.outbox


def test_the_pages_request_show_and_cancel(client, user):
    client.post("/login/", {"email": user.email, "password": PASSWORD})
    assert "We delete it in 14 days." in client.get("/account/delete/").content.decode()
    assert client.post("/account/delete/").url == "/account/"
    for path in ("/account/", "/account/security/", "/account/sessions/"):
        assert BANNER in client.get(path).content.decode(), path
    client.post("/logout/")
    client.post("/login/", {"email": user.email, "password": PASSWORD})
    assert BANNER in client.get("/account/").content.decode()
    stored = client.post("/account/delete/cancel/", follow=True).content.decode()
    assert "Your account stays." in stored
    assert BANNER not in stored


def test_the_page_says_why_the_last_superuser_cannot_go(client, make_user):
    boss = make_user("boss@example.com", is_superuser=True)
    client.post("/login/", {"email": boss.email, "password": PASSWORD})
    answer = client.post("/account/delete/")
    assert answer.status_code == 409
    assert "This is the last superuser" in answer.content.decode()


def test_the_admin_shows_the_planned_deletion(client, make_user, user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    User.objects.filter(pk=user.pk).update(deletion_due_at=datetime.fromisoformat("2031-05-17T10:00:00Z"))
    client.force_login(make_user("boss@example.com", is_superuser=True, is_staff=True))
    assert "May 17, 2031" in client.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
