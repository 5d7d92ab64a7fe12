"""Makes allauth.csv: people sign up with allauth in a new database, and the script of docs/migrate exports them.

pip install "Django>=5.2,<5.3" "django-allauth[mfa]==65.22.1"
python make_allauth.py
"""

import os
import re
import tempfile
from pathlib import Path

import django
from django.conf import settings
from django.urls import include, path

PASSWORD = "Grill-Fleet-2026!"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HERE = Path(__file__).resolve().parent
folder = tempfile.mkdtemp()
os.chdir(folder)
settings.configure(
    SECRET_KEY="x" * 50, ROOT_URLCONF=__name__, USE_TZ=True, ALLOWED_HOSTS=["*"], SITE_ID=1,
    EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "old.sqlite3"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                    "django.contrib.messages", "allauth", "allauth.account", "allauth.mfa"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
                "allauth.account.middleware.AccountMiddleware"],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    ACCOUNT_LOGIN_METHODS={"email"}, ACCOUNT_SIGNUP_FIELDS=["email*", "password1*", "password2*"],
    ACCOUNT_EMAIL_VERIFICATION="mandatory", ACCOUNT_RATE_LIMITS=False,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request",
                                                   "django.contrib.messages.context_processors.messages"]}}],
)  # fmt: skip
django.setup()
urlpatterns = [path("accounts/", include("allauth.urls"))]


def main():
    from allauth.mfa.totp.internal.auth import TOTP
    from django.contrib.auth.models import User
    from django.core import mail
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    for name in ("verified", "with-app", "unverified"):
        client, email = Client(), f"{name}@allauth.example"
        sign_up = client.post("/accounts/signup/", {"email": email, "password1": PASSWORD, "password2": PASSWORD})
        assert sign_up.status_code == 302, sign_up.content
        if name != "unverified":
            link = re.search(r"/accounts/confirm-email/[^/\s]+/", mail.outbox[-1].body)[0]
            assert client.post(link).status_code == 302
    TOTP.activate(User.objects.get(email="with-app@allauth.example"), SECRET)
    page = (HERE.parents[2] / "docs/migrate/allauth.md").read_text()
    exec(re.search(r"```python\n(.+?)```", page, re.DOTALL)[1], {})
    (HERE / "allauth.csv").write_bytes(Path("people.csv").read_bytes())


if __name__ == "__main__":
    main()
