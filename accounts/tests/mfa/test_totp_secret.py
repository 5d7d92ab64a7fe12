"""The secret of an authenticator app is shown during enrolment only: no log, page or response has it after."""

import io
import logging
from base64 import b32decode

import pytest
from django.contrib import admin
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from accounts.models import Session, TOTPDevice
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD
from foodfleet.core.admin.search import model_admins
from foodfleet.core.logging import logging_config
from foodfleet.tests.routes.endpoints import ENDPOINTS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
OWN_PAGES = ["/account/", "/account/security/", "/account/sessions/", "/account/preferences/", "/account/backup-codes/"]


@pytest.fixture
def written(settings):
    """Everything that LOG_LEVEL=DEBUG writes, every statement of SQL with its values too, as it leaves the process."""
    settings.DEBUG = True
    connection.force_debug_cursor = True
    config = logging_config(level="DEBUG", output_format="json")
    formatter = config["formatters"]["structlog"]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter["()"](**{name: value for name, value in formatter.items() if name != "()"}))
    root, sql = logging.getLogger(), logging.getLogger("django.db.backends")
    before = root.level, sql.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    sql.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before[0])
    sql.setLevel(before[1])
    connection.force_debug_cursor = False


@pytest.fixture
def ann(make_user):
    """Somebody who may see everything there is to see."""
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture(params=["API", "pages"])
def walk(request, api, client, ann, written):
    """Enrol over the API or pages, with a wrong code first, then sign in; return the secret that must not appear."""
    call = _over_the_api if request.param == "API" else _on_the_pages
    secret, codes = call(api, client)
    raw = b32decode(secret)
    groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
    return [secret, secret.lower(), " ".join(groups), raw.hex(), "otpauth://totp/FoodFleet", *codes]


def _over_the_api(api, client):
    def bearer(answer):
        return {"Authorization": f"Bearer {answer.json()['access']}"}

    credentials = {"email": "ann@example.com", "password": PASSWORD}
    headers = bearer(api.post("/api/v1/auth/login/", credentials))
    secret = api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=headers).json()["secret"]
    api.post("/api/v1/auth/2fa/verify/", {"code": "000000"}, headers=headers)
    done = api.post("/api/v1/auth/2fa/verify/", {"code": app_code(secret, -1)}, headers=headers)
    challenge = api.post("/api/v1/auth/login/", credentials).json()["challenge"]
    code = {"challenge": challenge, "method": "totp", "code": app_code(secret)}
    assert api.post("/api/v1/auth/login/verify/", code).status_code == 200
    return secret, done.json()["backup_codes"]


def _on_the_pages(api, client):
    client.post("/login/", {"email": "ann@example.com", "password": PASSWORD})
    secret = "".join(client.get("/account/totp/").context["secret_groups"])
    client.post("/account/totp/", {"code": "000000"})
    codes = client.post("/account/totp/", {"code": app_code(secret, -1)}).context["backup_codes"]
    client.post("/logout/")
    client.post("/login/", {"email": "ann@example.com", "password": PASSWORD})
    assert client.post("/login/verify/", {"code": app_code(secret), "method": "totp"}).url == "/account/"
    return secret, codes


def found_in(texts, hidden):
    """Where something that must not be seen is seen; texts: {where: what stands there}."""
    return [(where, item) for where, text in texts.items() for item in hidden if item in text]


def test_no_log_has_the_totp_secret_even_with_debugging_and_all_sql(walk, written):
    log = written()
    assert "accounts_totpdevice" in log, "the statements are not in the log: this test sees nothing"
    assert found_in({"log": log}, walk) == []


def test_no_page_and_no_answer_has_the_totp_secret_after_the_set_up(walk, client, ann):
    client.force_login(ann)
    Session.objects.update(reauthenticated_at=None)
    seen = {path: client.get(path) for path in OWN_PAGES}
    for endpoint in ENDPOINTS:
        if endpoint.is_api and endpoint.method == "GET":
            path = "/" + endpoint.address.replace("<pk>", str(ann.pk)).replace("<user_id>", str(ann.pk))
            seen[path] = client.get(path)
    assert sum(answer.status_code == 200 for answer in seen.values()) > 20
    assert found_in({path: answer.content.decode() for path, answer in seen.items()}, walk) == []


@pytest.mark.parametrize("walk", ["API"], indirect=True)
def test_no_page_of_the_admin_has_the_totp_secret(walk, client, ann):
    client.force_login(ann)
    seen = {"/admin/": client.get("/admin/").content.decode()}
    for model in (one.model for one in model_admins(admin.site)):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths = [reverse(f"{name}_changelist")]
        for row in model._default_manager.all()[:5]:
            paths += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history")]
        for path in paths:
            seen[path] = client.get(path).content.decode()
    assert f"/admin/accounts/user/{ann.pk}/change/" in seen
    ciphertext = TOTPDevice.objects.get().secret
    assert found_in(seen, [*walk, ciphertext]) == []


def test_no_table_and_no_message_has_the_totp_secret(walk):
    tables = io.StringIO()
    call_command("dumpdata", use_base_manager=True, stdout=tables)
    assert TOTPDevice._meta.label_lower in tables.getvalue()
    letters = "".join(str(letter.message()) for letter in mail.outbox)
    assert letters
    assert found_in({"tables": tables.getvalue(), "mails": letters}, walk) == []
