"""How benchmarks/permissions.py measures: the same for every system."""

import time
from functools import partial

from django.core.signals import request_started
from django.db import connection, reset_queries, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

WRITTEN = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"


SLOW = 100  # times that a call is made which takes more than some microseconds


def microseconds(call, times=20_000, rounds=5, clock=time.perf_counter):
    """Of one call, in the best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = clock()
        for _ in range(times):
            call()
        best = min(best, clock() - started)
    return best / times * 1e6


def cpu_microseconds(call):
    """Of one call that waits for nobody: others on the machine do not count."""
    return microseconds(call, clock=time.thread_time)


def queries(call):
    with CaptureQueriesContext(connection) as counted:
        call()
    return len([query for query in counted if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))])


def written(call):
    """Milliseconds, statements and rows written of one call."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        before = cursor.fetchone()[0]
        started = time.perf_counter()
        statements = queries(call)
        took = time.perf_counter() - started
        cursor.execute(WRITTEN)
        rows = cursor.fetchone()[0] - before
    return {"change_ms": took * 1000, "change_sql": statements, "change_rows": int(rows)}


class Open(APIView):
    permission_classes = [AllowAny]
    throttle_classes = []

    def get(self, request):
        return Response({})


def checks(user, codename, alias, scope, permission_class, queryset=None):
    """What checks of this user cost. codename, alias: names of the permission in this system; scope: its own of one."""
    model, names = type(user), [field.attname for field in user._meta.concrete_fields]
    values = [getattr(user, name) for name in names]

    def fresh():
        request_started.send(sender=None)  # each of these is another request's user
        return model.from_db("default", names, values)

    guarded = type("Guarded", (Open,), {"permission_classes": [permission_class], "queryset": queryset})
    views = {"open": Open.as_view(), "guarded": guarded.as_view()}
    request = APIRequestFactory().get("/")

    def ask(name):
        force_authenticate(request, fresh())
        assert views[name](request).status_code == 200

    loaded = fresh()
    cold = queries(lambda: loaded.has_perm(codename))
    assert loaded.has_perm(alias)
    assert not loaded.has_perm(alias.replace("view", "delete"))
    found = {
        "cold_sql": cold,
        "next_sql": queries(lambda: fresh().has_perm(codename)),
        "warm_sql": queries(lambda: loaded.has_perm(codename)),
        "codename_us": cpu_microseconds(lambda: loaded.has_perm(codename)),
        "alias_us": cpu_microseconds(lambda: loaded.has_perm(alias)),
        "next_us": microseconds(lambda: fresh().has_perm(codename), SLOW),
        "open_us": microseconds(lambda: ask("open"), SLOW),
        "view_us": microseconds(lambda: ask("guarded"), SLOW),
        "view_sql": queries(lambda: ask("guarded")),
    }
    if scope is not None:
        assert loaded.has_perm(alias, scope)
        found["scope_sql"] = queries(lambda: loaded.has_perm(alias, scope))
        in_scope = partial(loaded.has_perm, alias, scope)
        found["scope_us"] = microseconds(in_scope, SLOW) if found["scope_sql"] else cpu_microseconds(in_scope)
    reset_queries()
    return found
