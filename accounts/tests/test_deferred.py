"""Deferred jobs run after the response, also if the process dies."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from accounts.models import DeferredJob, SecurityEvent
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


def test_the_sweep_runs_a_job_whose_process_died_after_the_response(user):
    assert Answer(FORGOT, {"email": user.email}).status == 202  # and never closed
    assert swept(minutes=1) == 1
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert swept(minutes=1) == 0


def test_a_job_that_has_run_is_deleted(user):
    Answer(FORGOT, {"email": user.email}).close()
    Answer(FORGOT, {"email": "nobody@example.com"}).close()
    assert not DeferredJob.objects.exists()


def test_the_notice_of_a_lock_survives_the_death_of_its_process(user):
    for _ in range(4):
        Answer(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"}).close()
    Answer(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"})
    swept(minutes=1)
    assert SecurityEvent.objects.get(kind="sign_in_locked").user == user
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_the_sweep_skips_a_job_that_may_still_be_running(user):
    Answer(FORGOT, {"email": user.email})
    assert swept() == 0
    assert DeferredJob.objects.count() == 1


def test_a_failing_job_is_retried_and_given_up_after_a_day(user):
    Answer(FORGOT, {"email": user.email})
    with refusing("accounts_onetimetoken"):
        deferred.sweep(timezone.now() + timedelta(minutes=1))
        assert DeferredJob.objects.count() == 1
        deferred.sweep(timezone.now() + timedelta(days=2))
    assert not DeferredJob.objects.exists()


@pytest.mark.postgres
def test_one_of_two_concurrent_runs_executes_the_job(user):
    Answer(FORGOT, {"email": user.email})
    pk = DeferredJob.objects.get().pk
    done, gate = [], threading.Barrier(8)

    def do():
        gate.wait()
        done.append(deferred.run(pk))
        connections.close_all()

    threads = [threading.Thread(target=do) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False] * 7 + [True]
    assert len(mail.outbox) == 1


def test_a_request_fails_where_its_job_cannot_be_written(user):
    with refusing("accounts_deferredjob"):
        answer = Answer(FORGOT, {"email": user.email})
    assert answer.status == 500


def test_every_kind_of_job_has_a_function_after_start():
    code = (
        "import django; django.setup(); from accounts.services import deferred;"
        "from accounts.states import DeferredJobKind; assert deferred.JOBS.keys() == set(DeferredJobKind)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
