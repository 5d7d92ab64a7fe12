"""What an answer does not wait for is done, whatever becomes of the process that gave the answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from accounts.models import Errand, SecurityEvent
from accounts.services import deferred
from accounts.tests.wsgi import Answer

pytestmark = pytest.mark.django_db(transaction=True)

FORGOT, LOGIN = "/api/v1/auth/password/forgot/", "/api/v1/auth/login/"


def swept(**later):
    """Sweep as another process does, as if it were later by so much."""

    def sweep():
        try:
            return deferred.sweep(timezone.now() + timedelta(**later))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(sweep).result()


def refusing(word):
    """Let the database refuse every statement that names `word`."""

    def refuse(execute, sql, params, many, context):
        if word in sql:
            raise DatabaseError("disk full")
        return execute(sql, params, many, context)

    return connection.execute_wrapper(refuse)


def test_a_link_whose_process_died_after_the_answer_is_mailed_by_the_sweep(user):
    assert Answer(FORGOT, {"email": user.email}).status == 202  # and never closed
    assert swept(minutes=1) == 1
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert swept(minutes=1) == 0


def test_an_errand_that_was_done_leaves_no_trace(user):
    Answer(FORGOT, {"email": user.email}).close()
    Answer(FORGOT, {"email": "nobody@example.com"}).close()
    assert not Errand.objects.exists()


def test_word_of_a_lock_survives_its_process(user):
    for _ in range(4):
        Answer(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"}).close()
    Answer(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"})
    swept(minutes=1)
    assert SecurityEvent.objects.get(kind="sign_in_locked").user == user
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_a_sweep_leaves_alone_what_may_be_in_hand(user):
    Answer(FORGOT, {"email": user.email})
    assert swept() == 0
    assert Errand.objects.count() == 1


def test_what_failed_is_tried_again_and_a_day_later_given_up(user):
    Answer(FORGOT, {"email": user.email})
    with refusing("accounts_onetimetoken"):
        deferred.sweep(timezone.now() + timedelta(minutes=1))
        assert Errand.objects.count() == 1
        deferred.sweep(timezone.now() + timedelta(days=2))
    assert not Errand.objects.exists()


@pytest.mark.postgres
def test_of_two_who_do_one_errand_at_once_one_does(user):
    Answer(FORGOT, {"email": user.email})
    pk = Errand.objects.get().pk
    done, gate = [], threading.Barrier(8)

    def do():
        gate.wait()
        done.append(deferred.carry_out(pk))
        connections.close_all()

    threads = [threading.Thread(target=do) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False] * 7 + [True]
    assert len(mail.outbox) == 1


def test_where_the_errand_cannot_be_written_nothing_is_promised(user):
    with refusing("accounts_errand"):
        answer = Answer(FORGOT, {"email": user.email})
    assert answer.status == 500
