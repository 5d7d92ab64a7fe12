"""Makes djoser.csv: djoser registers people in a new database, and the script of docs/migrate exports them.

pip install "Django>=5.2,<5.3" djoser==2.3.5 djangorestframework-simplejwt==5.5.1 argon2-cffi bcrypt
python make_djoser.py
"""

import os
import re
import tempfile
from pathlib import Path

import django
from django.conf import settings
from django.urls import include, path

PASSWORD = "Grill-Fleet-2026!"
HERE = Path(__file__).resolve().parent
HASHERS = {"pbkdf2": "PBKDF2PasswordHasher", "sha1": "PBKDF2SHA1PasswordHasher", "argon2": "Argon2PasswordHasher",
           "scrypt": "ScryptPasswordHasher", "bcrypt": "BCryptPasswordHasher",
           "bcrypt-sha256": "BCryptSHA256PasswordHasher"}  # fmt: skip
folder = tempfile.mkdtemp()
os.chdir(folder)
settings.configure(
    SECRET_KEY="x" * 50, ROOT_URLCONF=__name__, USE_TZ=True, ALLOWED_HOSTS=["*"],
    EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "old.sqlite3"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "djoser"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"]},
    DJOSER={"SEND_ACTIVATION_EMAIL": True, "ACTIVATION_URL": "activate/{uid}/{token}"},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)  # fmt: skip
django.setup()
urlpatterns = [path("auth/", include("djoser.urls")), path("auth/", include("djoser.urls.jwt"))]


def main():
    from django.contrib.auth.models import Group, User
    from django.core import mail
    from django.core.management import call_command
    from django.test import Client, override_settings

    call_command("migrate", verbosity=0)
    client, drivers = Client(), Group.objects.create(name="Driver")
    for name, hasher in HASHERS.items():
        with override_settings(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{hasher}"]):
            body = {"username": name, "email": f"{name}@djoser.example", "password": PASSWORD}
            assert client.post("/auth/users/", body, content_type="application/json").status_code == 201
            uid, token = re.search(r"activate/([^/\s]+)/([^/\s]+)", mail.outbox[-1].body).groups()
            done = client.post("/auth/users/activation/", {"uid": uid, "token": token}, content_type="application/json")
            assert done.status_code == 204
            login = {"username": name, "password": PASSWORD}
            assert client.post("/auth/jwt/create/", login, content_type="application/json").status_code == 200
    User.objects.get(username="pbkdf2").groups.add(drivers)
    page = (HERE.parents[2] / "docs/migrate/djoser-simplejwt.md").read_text()
    exec(re.search(r"```python\n(.+?)```", page, re.DOTALL)[1], {})
    (HERE / "djoser.csv").write_bytes(Path("people.csv").read_bytes())


if __name__ == "__main__":
    main()
