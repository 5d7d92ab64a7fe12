"""Users and permissions are checked after the request body is complete."""

import json
from contextlib import closing, contextmanager
from io import BytesIO

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import RequestFactory

from accounts.models import User
from accounts.services.sessions import sessions
from accounts.services.staff import changes as staff_changes
from accounts.services.staff import users
from conftest import PASSWORD
from foodfleet.core.http.bodies.request_bodies import BufferedBodies
from foodfleet.core.http.clients import Client

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@contextmanager
def open_connection():
    """The test's transaction outlives a request: Django closes no connection when one begins or ends."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def send_while(happens, token, path, method="POST", **fields):
    """The status of a call while whose body is on its way something happens."""
    whole = json.dumps(fields).encode()

    class Body(BytesIO):
        def read(self, size=-1):
            if self.tell() == 0:
                happens()
            return super().read(size)

    request = RequestFactory().generic(
        method, f"/api/v1/{path}", whole, "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    answers = []
    environ = {**request.environ, "wsgi.input": Body(whole)}
    application = BufferedBodies(get_wsgi_application(), most=10_000)
    with open_connection(), closing(application(environ, lambda status, *_: answers.append(int(status[:3])))):
        pass
    return answers[0]


CLIENT = Client(ip="192.0.2.1")
WITHDRAWALS = {
    "deactivated": lambda actor: staff_changes.update(
        pk=actor.pk, changes=staff_changes.UserChanges(is_active=False), actor=None, client=CLIENT
    ),
    "locked": lambda actor: users.lock(pk=actor.pk, actor=None, client=CLIENT),
    "deleted": lambda actor: users.delete(pk=actor.pk, actor=None, client=CLIENT),
    "signed out everywhere": lambda actor: sessions.end_all_own(user=actor, client=CLIENT),
}
CALLS = [
    ("users/me/", "PATCH", {"first_name": "Eve"}),
    ("users/", "POST", {"email": "eve@example.com", "password": PASSWORD, "is_superuser": True}),
]


@pytest.mark.parametrize(("path", "method", "fields"), CALLS)
@pytest.mark.parametrize("withdraw", WITHDRAWALS.values(), ids=WITHDRAWALS)
def test_who_is_shut_out_while_the_body_arrives_gets_401(make_user, sign_in, withdraw, path, method, fields):
    actor = make_user(is_superuser=True)
    make_user("root@example.com", is_superuser=True)
    token = sign_in()["access"]
    assert send_while(lambda: withdraw(actor), token, path, method, **fields) == 401
    assert not User.objects.filter(email="eve@example.com").exists()


def test_who_is_demoted_while_the_body_arrives_makes_no_superuser(make_user, sign_in):
    actor = make_user(is_superuser=True)
    make_user("root@example.com", is_superuser=True)
    token = sign_in()["access"]
    changes = staff_changes.UserChanges(is_superuser=False)
    demote = lambda: staff_changes.update(pk=actor.pk, changes=changes, actor=None, client=CLIENT)  # noqa: E731
    assert send_while(demote, token, *CALLS[1][:2], **CALLS[1][2]) == 403
    assert not User.objects.filter(email="eve@example.com").exists()
