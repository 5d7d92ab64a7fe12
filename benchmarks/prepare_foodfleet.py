"""Fill FoodFleet's database and print what the load generator needs: python prepare_foodfleet.py USERS SESSIONS."""

import json
import sys

import django

django.setup()

from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.services.sessions import sessions
from foodfleet.core.http.clients import Client
from rbac.models import RoleAssignment
from rbac.services import roles

PASSWORD = "Grill-Fleet-2026!"


def main(users, count):
    call_command("migrate", verbosity=0)
    call_command("collectstatic", if_changed=True, interactive=False, verbosity=0)
    password, now = make_password(PASSWORD), timezone.now()
    User.objects.bulk_create(
        (
            User(email=f"user{n:07}@example.com", first_name="Ann", last_name="Driver", password=password,
                 email_verified_at=now, language="en")
            for n in range(users)
        ),
        batch_size=2000,
    )  # fmt: skip
    reader = roles.create(actor=None, edit=roles.RoleEdit(name="reader", permissions=["users:read"]))
    people = list(User.objects.order_by("pk")[:count])
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=reader) for user in people[:100])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    pairs = [sessions.start(user=user, client=Client(user_agent="bench", ip="127.0.0.1")) for user in people]
    found = {
        "access": [pair.access for pair in pairs[:100]],
        "refresh": [pair.refresh for pair in pairs[100:]],
        "logins": [user.email for user in people[100:]],
        "password": PASSWORD,
    }
    print(json.dumps(found))


main(*map(int, sys.argv[1:]))
