"""djoser with simplejwt, allauth's headless API and a bare REST framework view, as `startproject` begins a site.

    DJANGO_SETTINGS_MODULE=peers.site SITE=djoser|allauth|bare

bare has no middleware.

`python -m peers.site USERS TOKENS` fills the database.
"""

import json
import os
import sys
from datetime import timedelta

from processes import database_parts

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "peers.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database_parts(os.environ["DATABASE_URL"])}
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles", "rest_framework", "djoser",
    "rest_framework_simplejwt.token_blacklist",
]  # fmt: skip
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SITE = os.environ["SITE"]
if SITE == "bare":
    MIDDLEWARE = []
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if SITE == "allauth":
    INSTALLED_APPS += ["allauth", "allauth.account", "allauth.headless"]
    MIDDLEWARE.append("allauth.account.middleware.AccountMiddleware")
    AUTHENTICATION_BACKENDS.append("allauth.account.auth_backends.AuthenticationBackend")
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]  # fmt: skip
PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]  # 12 rounds
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(days=1),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}
DJOSER = {"USER_CREATE_PASSWORD_RETYPE": False}
HEADLESS_ONLY = True
HEADLESS_FRONTEND_URLS = {}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

PASSWORD = "Grill-Fleet-2026!"


def fill(users, count):
    import django

    django.setup()
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.db import connection
    from rest_framework_simplejwt.tokens import RefreshToken

    call_command("migrate", verbosity=0)
    password = make_password(PASSWORD)
    User.objects.bulk_create(
        (
            User(username=f"user{n:07}@example.com", email=f"user{n:07}@example.com", first_name="Ann",
                 last_name="Driver", password=password, is_staff=n < 100)
            for n in range(users)
        ),
        batch_size=2000,
    )  # fmt: skip
    people = list(User.objects.order_by("pk")[:count])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    pairs = [RefreshToken.for_user(user) for user in people]
    sessions = []
    for user in people[:100]:
        session = SessionStore()
        session.update({
            "_auth_user_id": str(user.pk), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
            "_auth_user_hash": user.get_session_auth_hash(),
        })  # fmt: skip
        session.create()
        sessions.append(session.session_key)
    print(json.dumps({"access": [str(pair.access_token) for pair in pairs[:100]], "sessions": sessions,
                      "refresh": [str(pair) for pair in pairs[100:]],
                      "logins": [user.username for user in people[100:]], "password": PASSWORD}))  # fmt: skip


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "peers.site"
    fill(*map(int, sys.argv[1:]))
