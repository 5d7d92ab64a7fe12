"""The list of users at ten thousand and at a million: does a call cost the same?

Fills a database by SQL, asks the API in this process (as a superuser, JSON rendered), grows it and asks the very same
again. Prints the median of ROUNDS calls of each kind in milliseconds.
"""

import json
import statistics
import sys
import time

import django

django.setup()

from django.core.management import call_command

PAGE_SIZE = 20
ROUNDS = 30

# What is copied from a user that the ORM made; every other column keeps that user's value.
FILL_USERS = """
INSERT INTO accounts_user ({columns})
SELECT {values} FROM accounts_user model, generate_series(%(first)s, %(last)s) n WHERE model.id = %(model)s
"""
DIFFERENT = {
    "email": "(ARRAY['ann','bob','carla','dinesh','eva'])[n %% 5 + 1] || n || '@fleet.example'",
    "first_name": "(ARRAY['Ann','Bob','Carla','Dinesh','Eva'])[n %% 5 + 1]",
    "last_name": "'Driver' || md5(n::text)",
    "search_text": "(ARRAY[' ann',' bob',' carla',' dinesh',' eva'])[n %% 5 + 1] || n || '@fleet.example'"
    " || (ARRAY[' ann',' bob',' carla',' dinesh',' eva'])[n %% 5 + 1] || ' driver' || md5(n::text)",
    "is_active": "n %% 50 <> 0",
    "locked_at": "CASE WHEN n %% 200 = 1 THEN now() END",
    "created_at": "now() - n * interval '1 second'",
}
FILL_ASSIGNMENTS = """
INSERT INTO rbac_roleassignment (user_id, role_id, scope, granted_at)
SELECT id, CASE WHEN id %% 1000 = 3 THEN %(some)s ELSE %(many)s END, '', now()
FROM accounts_user WHERE id > %(after)s AND (id %% 4 = 0 OR id %% 1000 = 3)
"""


def staff():
    """A superuser; and three roles, which many, some and few hold."""
    from accounts.models import User
    from rbac.models import Role

    return User.objects.create_superuser("admin@fleet.example", "correct horse battery staple"), [
        Role.objects.create(name=name).pk for name in ("Held by many", "Held by some", "Held by few")
    ]


def grow(model, roles, first, last):
    from django.db import connection

    from accounts.models import User

    fields = [f for f in User._meta.concrete_fields if not f.generated and not f.primary_key]
    fixed = {"is_superuser": "false", "is_staff": "false", **DIFFERENT}
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM accounts_user")
        after = cursor.fetchone()[0]
        columns = ", ".join(f.column for f in fields)
        values = ", ".join(fixed.get(f.column, f"model.{f.column}") for f in fields)
        cursor.execute(
            FILL_USERS.format(columns=columns, values=values), {"first": first, "last": last, "model": model.pk}
        )
        many, some, few = roles
        cursor.execute(FILL_ASSIGNMENTS, {"after": after, "many": many, "some": some})
        if first == 1:
            cursor.execute(
                "INSERT INTO rbac_roleassignment (user_id, role_id, scope, granted_at) "
                "SELECT id, %s, '', now() FROM accounts_user WHERE id > %s ORDER BY id LIMIT 5",
                [few, after],
            )
        cursor.execute("VACUUM ANALYZE")


def cursor_of_page(number):
    """Where page `number` of the list by id begins, as the API writes it."""
    from accounts.models import User
    from foodfleet.core.http.lists.pagination import _write_cursor

    at = User.objects.order_by("pk").values_list("pk", flat=True)[(number - 1) * PAGE_SIZE - 1]
    return _write_cursor("id", [at], backwards=False)


def calls(users, roles):
    many, some, few = roles
    last_page = users // PAGE_SIZE
    return {
        "list": {},
        "list of 100": {"page_size": 100},
        "the last page (50,000 at a million)": {"ordering": "id", "cursor": cursor_of_page(last_page)},
        "ordered by e-mail": {"ordering": "email"},
        "ordered by last name, descending": {"ordering": "-last_name"},
        "search by e-mail, one hit": {"search": "carla77@fleet"},
        "search by e-mail, every fifth": {"search": "ann"},
        "search by last name, few hits": {"search": "drivera1b2"},
        "search without a hit": {"search": "zzz"},
        "role that a quarter holds": {"role": many},
        "role that every thousandth holds": {"role": some},
        "role that five hold": {"role": few},
        "role of five, by its name": {"role": "Held by few"},
        "role of every thousandth, by e-mail": {"role": some, "ordering": "email"},
        "role of five, by e-mail": {"role": few, "ordering": "email"},
        "not active": {"is_active": "false"},
        "locked": {"locked": "true"},
        "not locked": {"locked": "false"},
        "active, of a role, searched": {"is_active": "true", "role": many, "search": "bob"},
    }


def measure(client, users, roles, rounds):
    found = {}
    for name, query in calls(users, roles).items():
        times = []
        for _ in range(rounds + 2):
            began = time.perf_counter()
            answer = client.get("/api/v1/users/", query)
            times.append(1000 * (time.perf_counter() - began))
            assert answer.status_code == 200, answer.content
        found[name] = statistics.median(times[2:]), len(answer.json()["results"])
    return found


def main(few, many):
    from rest_framework.test import APIClient

    call_command("migrate", verbosity=0)
    model, roles = staff()
    client = APIClient()
    client.force_authenticate(model)
    grow(model, roles, 1, few)
    small = measure(client, few, roles, ROUNDS)
    grow(model, roles, few + 1, many)
    large = measure(client, many, roles, ROUNDS)
    found = {
        name: {"few_ms": before, "many_ms": large[name][0], "times": large[name][0] / before, "rows": large[name][1]}
        for name, (before, _) in small.items()
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
