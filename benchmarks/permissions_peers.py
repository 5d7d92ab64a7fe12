"""What benchmarks/permissions.py has Django's ModelBackend and django-guardian do."""

import json
import os
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings

SYSTEM = sys.argv[1]
url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="x",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": url.path.lstrip("/"), "USER": url.username,
            "PASSWORD": url.password or "", "HOST": url.hostname, "PORT": url.port or 5432,
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "guardian"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"]
    + (["guardian.backends.ObjectPermissionBackend"] if SYSTEM == "guardian" else []),
    REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
)  # fmt: skip
django.setup()

from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from guardian.models import UserObjectPermission
from permissions_measures import checks, written
from rest_framework.permissions import BasePermission


class MayView(BasePermission):
    def has_permission(self, request, view):
        return request.user.has_perm("auth.view_user")


def main():
    users, holders = int(sys.argv[2]), int(sys.argv[3])
    call_command("migrate", verbosity=0, run_syncdb=True)
    content_type = ContentType.objects.get_for_model(Group)
    more = Permission.objects.bulk_create(
        [Permission(content_type=content_type, codename=f"do_{n}", name=f"do {n}") for n in range(60)]
    )
    view = Permission.objects.get(codename="view_user")
    people = User.objects.bulk_create(User(username=f"user{n}") for n in range(max(users, holders)))
    for name, own in (("one", [view, *more[:29]]), ("two", more[29:59])):
        group = Group.objects.create(name=name)
        group.permissions.set(own)
        give(group, people[:users])
    UserObjectPermission.objects.bulk_create(
        UserObjectPermission(user=user, permission=view, content_type=view.content_type, object_pk=str(user.pk))
        for user in people[:users]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    user = User.objects.get(username="user7")
    scope = user if SYSTEM == "guardian" else None  # ModelBackend knows no objects
    found = checks(user, "auth.view_user", "auth.view_user", scope, MayView)
    large = Group.objects.create(name="large")
    large.permissions.set(more[:30])
    give(large, people[:holders])
    print(json.dumps(found | written(lambda: large.permissions.add(more[59]))))


def give(group, people):
    through = User.groups.through
    through.objects.bulk_create((through(user=user, group=group) for user in people), batch_size=5000)


if __name__ == "__main__":
    main()
