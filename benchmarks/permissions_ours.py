"""FoodFleet's part of benchmarks/permissions.py."""

import json
import os
import sys
import time
import tracemalloc

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "foodfleet.settings"
django.setup()

from django.core.management import call_command
from django.db import connection
from permissions_measures import checks, queries, written

from accounts.models import User
from rbac.api.guards import holds
from rbac.services import custom_permissions, previews, roles

FILL_USERS = """
INSERT INTO accounts_user ({columns})
SELECT {values} FROM accounts_user model, generate_series(1, %s) n WHERE model.id = %s
"""
GIVE = """
INSERT INTO rbac_roleassignment (user_id, role_id, scope, granted_at)
SELECT id, %s, %s, now() FROM accounts_user ORDER BY id LIMIT %s
"""


def main():
    users, holders = int(sys.argv[2]), int(sys.argv[3])
    call_command("migrate", verbosity=0)
    model = User.objects.create_user("model@example.com", None)
    columns = [field.column for field in User._meta.concrete_fields if not (field.primary_key or field.generated)]
    values = ["'user' || n || '@example.com'" if column == "email" else f"model.{column}" for column in columns]
    more = [custom_permissions.create(actor=None, resource="bench", action=f"do_{n}").codename for n in range(60)]
    first = roles.create(actor=None, edit=roles.RoleEdit(name="one", permissions=["users:read", *more[:29]]))
    second = roles.create(actor=None, edit=roles.RoleEdit(name="two", permissions=more[29:59]))
    driver = roles.create(actor=None, edit=roles.RoleEdit(name="in a fleet", permissions=["users:read"]))
    with connection.cursor() as cursor:
        cursor.execute(
            FILL_USERS.format(columns=", ".join(columns), values=", ".join(values)), [max(users, holders), model.pk]
        )
        for role, scope in ((first, ""), (second, ""), (driver, "fleet:12")):
            cursor.execute(GIVE, [role.pk, scope, users])
        cursor.execute("ANALYZE")
    found = checks(model, "users:read", "accounts.view_user", "fleet:12", holds("users", "read"))
    found |= large(holders, more)
    print(json.dumps(found))


def large(holders, more):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="large", permissions=more[:30]))
    with connection.cursor() as cursor:
        cursor.execute(GIVE, [role.pk, "", holders])
        cursor.execute("ANALYZE")
    edit = roles.RoleEdit(permissions=[*more[:30], "users:lock"])
    found = written(lambda: roles.update(actor=None, role=role, edit=edit))
    holder = User.objects.get(email="user7@example.com")
    assert holder.has_perm("users:lock")

    def preview():
        return previews.preview(role=role, permissions=[*more[10:30], *more[50:59]])

    found["preview_sql"] = queries(preview)
    started = time.perf_counter()
    seen = preview()
    found["preview_ms"] = (time.perf_counter() - started) * 1000
    assert len(seen.lost) == 11
    assert seen.lost[-1].users == holders
    tracemalloc.start()
    preview()
    found["preview_kib"] = tracemalloc.get_traced_memory()[1] // 1024
    return found


if __name__ == "__main__":
    main()
