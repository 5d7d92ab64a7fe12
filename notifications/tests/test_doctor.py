"""`manage.py doctor` finds what is broken, and says what to do."""

import json
import os
from datetime import timedelta
from io import StringIO

import pytest
from botocore.stub import Stubber
from celery.app.control import Inspect
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from accounts.models import User
from foodfleet.core.cache import limit_stores, shared
from foodfleet.core.doctor import registry
from foodfleet.core.http import health, ip_addresses
from foodfleet.core.metrics import counters, unknown_proxies
from foodfleet.core.models import Heartbeat
from foodfleet.tests import processes
from notifications.gateways import amazon
from notifications.models import Message
from notifications.services.delivery import liveness

pytestmark = [pytest.mark.django_db, pytest.mark.once]
SECURE = {
    "SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 1, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True, "SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True,
}  # fmt: skip
WELL = {
    "DEBUG": False,
    "PUBLIC_URL": "https://accounts.example.com",
    "ALLOWED_HOSTS": ["accounts.example.com"],
    "TRUSTED_PROXIES": [ip_addresses.network("10.0.0.5")],
    "EMAIL_URL": "filemail:///tmp",
    "SMS_URL": "file:///tmp",
    "DEFAULT_FROM_EMAIL": "FoodFleet <no-reply@accounts.example.com>",
    "REDIS_URL": "",
}
QUOTA = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 10.0}
VERIFIED = {"VerificationAttributes": {"example.com": {"VerificationStatus": "Success"}}}


@pytest.fixture
def installation(settings, tmp_path, make_user):
    """Settings of an installation that is well."""
    for name, value in {**SECURE, **WELL}.items():
        setattr(settings, name, value)
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").write_text("{}")
    make_user("boss@example.com", is_superuser=True)
    Heartbeat.objects.write(liveness.NAME, timezone.now())
    return settings


def doctor():
    """The exit code, and each problem's text and advice by check."""
    output = StringIO()
    try:
        call_command("doctor", "--json", stdout=output)
        code = 0
    except SystemExit as end:
        code = end.code
    report = json.loads(output.getvalue())
    assert report["ok"] is (code == 0)
    found = {check["name"]: check["problems"] for check in report["checks"] if check["problems"]}
    return code, {
        name: [(problem["text"], problem["advice"]) for problem in problems] for name, problems in found.items()
    }


def test_an_installation_that_is_well_has_no_problem(installation):
    assert doctor() == (0, {})
    output = StringIO()
    call_command("doctor", stdout=output)
    assert {line.split()[0] for line in output.getvalue().splitlines()} == {"ok"}


# -- Each breaks one thing: the check that finds it, and a part of what it says and advises
def set_to(**values):
    return lambda settings: [setattr(settings, name, value) for name, value in values.items()]


def lose_a_permission(settings):
    Permission.objects.filter(codename="users:read").delete()


def lose_a_migration(settings):
    MigrationRecorder.Migration.objects.filter(app="core").first().delete()


def be_silent(settings):
    Heartbeat.objects.write(liveness.NAME, timezone.now() - timedelta(minutes=7))


def be_late(settings):
    due_at = timezone.now() - timedelta(hours=1)
    Message.objects.create(channel="email", to=["ann@example.com"], status="queued", due_at=due_at)


def change_the_encryption_key(settings):
    call_command("rotate_jwt_keys", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["another-key-0123456789-0123456789"]


def have_no_administrator(settings):
    User.objects.superusers().update(is_superuser=False)


def have_no_worker(settings):
    settings.CELERY_BROKER_URL = "memory://"


SMTP = {
    "EMAIL_URL": "smtp://127.0.0.1:1", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": 1,
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
}  # fmt: skip
NOBODY = "127.0.0.1:1"
BROKEN = [
    ("deployment", "DEBUG is on", "DEBUG=false", set_to(DEBUG=True)),
    ("deployment", "SECRET_KEY is short", "Make one with", set_to(SECRET_KEY="k" * 40)),
    ("deployment", "TRUSTED_PROXIES is not set", "address of the proxy", set_to(TRUSTED_PROXIES=[])),
    ("public_address", "without encryption", "https://", set_to(PUBLIC_URL="http://accounts.example.com")),
    ("public_address", "ALLOWED_HOSTS does not contain", "Add it", set_to(ALLOWED_HOSTS=["example.org"])),
    ("public_address", "trusts every address", "your proxy", set_to(TRUSTED_PROXIES=[ip_addresses.network("0.0.0.0/0")])),
    ("public_address", "accepts any host", "List the hosts", set_to(ALLOWED_HOSTS=["*"])),
    ("administrators", "no administrator", "manage.py administrator", have_no_administrator),
    ("workers", "No Celery worker answers", "make worker", have_no_worker),
    ("email", "mail server refuses us", "EMAIL_URL", set_to(**SMTP)),
    ("broker", "does not answer", "Start it", set_to(CELERY_BROKER_URL=f"amqp://{NOBODY}//")),
    ("static_files", "not collected", "collectstatic", lambda settings: os.remove(settings.STATIC_ROOT / "staticfiles.json")),
    ("permissions", "do not match the code", "sync_permissions", lose_a_permission),
    ("database", "Migrations were not applied", "manage.py migrate", lose_a_migration),
    ("delivery", "looked for due messages for 42", "make serve", be_silent),
    ("delivery", "due for 36", "delivery_misconfigured", be_late),
    ("signing_keys", "cannot be decrypted", "ENCRYPTION_KEYS", change_the_encryption_key),
    ("email", "printed, not sent", "EMAIL_URL", set_to(EMAIL_URL="consolemail://")),
    ("email", "not yours", "DEFAULT_FROM_EMAIL", set_to(DEFAULT_FROM_EMAIL="no-reply@foodfleet.example")),
    ("sms", "printed, not sent", "SMS_URL", set_to(SMS_URL="console://")),
]  # fmt: skip


@pytest.mark.parametrize(("check", "text", "advice", "break_it"), BROKEN, ids=[f"{row[0]}: {row[1]}" for row in BROKEN])
def test_what_is_broken_is_said_in_plain_words(installation, check, text, advice, break_it):
    break_it(installation)
    code, problems = doctor()
    assert code == 1
    assert any(text in said and advice in advised for said, advised in problems[check]), problems


def test_a_clock_that_differs_from_the_databases_is_found(installation, monkeypatch):
    monkeypatch.setattr(limit_stores, "database_clock", lambda: timezone.now().timestamp() + 60)
    _, problems = doctor()
    assert problems["clock"][0][0] == "This machine's clock is 60 seconds behind the database's."


def test_a_redis_that_does_not_answer_is_found(installation, monkeypatch):
    monkeypatch.setattr(health, "cache_state", lambda: health.DOWN)
    assert "Redis does not answer" in doctor()[1]["cache"][0][0]


@pytest.mark.parametrize(("policy", "texts"), [("noeviction", []), ("allkeys-lru", ["Redis evicts keys"])])
def test_a_redis_that_evicts_keys_is_found(installation, monkeypatch, policy, texts):
    class Redis:
        def ping(self):
            return True

        def config_get(self, name):
            return {name: policy}

    with monkeypatch.context() as patch:
        patch.setattr(shared, "client", Redis)
        found = doctor()[1].get("cache", [])
    assert [text[: len("Redis evicts keys")] for text, _ in found] == texts


def test_queues_that_no_worker_serves_are_named(installation, monkeypatch):
    served = ["codes", "transactional", "bulk", "default"]
    monkeypatch.setattr(Inspect, "active_queues", lambda self: {"all@web1": [{"name": name} for name in served]})
    installation.CELERY_BROKER_URL = "memory://"
    [(text, advice)] = doctor()[1]["workers"]
    assert (text, advice) == ("No worker serves the queues sms, webhooks.", "Start workers as make worker does.")


def test_a_key_file_that_everybody_can_read_is_found(installation, tmp_path):
    path = tmp_path / "jwt.pem"
    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    installation.JWT_SIGNING_ALGORITHM, installation.JWT_PRIVATE_KEY_FILES = "EdDSA", [path]
    path.chmod(0o644)
    [(text, advice)] = doctor()[1]["signing_keys"]
    assert (text, advice) == (f"Every user of this machine can read {path}.", f"Run chmod 640 {path}.")
    path.chmod(0o640)
    assert doctor() == (0, {})


@pytest.fixture
def ses(installation):
    """SES as it answers; (method, answer) or (method, error code)."""
    installation.EMAIL_URL = "amazonses://"
    with Stubber(amazon.client("ses")) as stub:
        yield stub


@pytest.mark.parametrize(
    ("quota", "attributes", "texts"),
    [
        (QUOTA, VERIFIED, []),
        ({**QUOTA, "Max24HourSend": 200.0}, VERIFIED, ["Amazon SES is in its sandbox: 200 e-mails a day"]),
        ({**QUOTA, "SentLast24Hours": 45_000.0}, VERIFIED, ["45000 of the 50000 e-mails"]),
        (QUOTA, {"VerificationAttributes": {}}, ["Amazon SES has not verified no-reply@accounts.example.com"]),
        ("AccessDenied", "AccessDenied", ["The right ses:GetSendQuota is missing"]),
        ("InvalidClientTokenId", VERIFIED, ["Amazon refused the account or the settings: InvalidClientTokenId"]),
    ],
)  # fmt: skip
def test_what_amazon_ses_says_of_the_account_is_told(ses, quota, attributes, texts):
    for method, answer in (("get_send_quota", quota), ("get_identity_verification_attributes", attributes)):
        if isinstance(answer, str):
            ses.add_client_error(method, answer)
        else:
            ses.add_response(method, answer)
    _, problems = doctor()
    assert len(problems.get("email", [])) == len(texts), problems
    assert all(text in said for text, (said, _) in zip(texts, problems.get("email", []), strict=True))


@pytest.mark.parametrize(
    ("sandbox", "attributes", "texts"),
    [
        (True, {"MonthlySpendLimit": "50"}, ["Amazon SNS is in its SMS sandbox"]),
        (False, {"MonthlySpendLimit": "50"}, []),
        (False, {}, ["Amazon SNS stops sending SMS when 1 US dollars are spent"]),
        (None, None, []),
    ],
)
def test_sandbox_and_spending_limit_of_amazon_sns_are_told(installation, sandbox, attributes, texts):
    installation.SMS_URL = "sns://"
    with Stubber(amazon.client("sns")) as stub:
        if sandbox is None:
            stub.add_client_error("get_sms_sandbox_account_status", "AuthorizationError")
            stub.add_client_error("get_sms_attributes", "AuthorizationError")
        else:
            stub.add_response("get_sms_sandbox_account_status", {"IsInSandbox": sandbox})
            stub.add_response("get_sms_attributes", {"attributes": attributes})
        found = [text for text, _ in doctor()[1].get("sms", [])]
    assert len(found) == len(texts)
    assert all(text in said for text, said in zip(texts, found, strict=True))


def test_an_amazon_that_cannot_be_reached_is_no_fault_of_the_credentials(installation):
    installation.EMAIL_URL, installation.AWS_ENDPOINT_URL = "amazonses://", "http://127.0.0.1:9"
    [(text, advice)] = doctor()[1]["email"]
    assert text.startswith("Amazon could not be reached")
    assert advice.startswith("Check the network, AWS_REGION and AWS_ENDPOINT_URL")


def test_missing_credentials_of_amazon_are_told(installation, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    installation.EMAIL_URL, installation.AWS_ENDPOINT_URL = "amazonses://", "http://127.0.0.1:9/without-credentials"
    [(text, advice)] = doctor()[1]["email"]
    assert text == "There are no usable credentials for Amazon (NoCredentialsError)."
    assert advice.startswith("Check the credentials that boto3 finds")


def test_a_proxy_that_is_not_trusted_is_told_until_it_is(installation, client):
    list(unknown_proxies.FORWARDED.take())  # of other tests in this process
    client.get("/health/live/", headers={"X-Forwarded-For": "192.0.2.9"})
    client.get("/health/live/", headers={"X-Forwarded-For": "192.0.2.9"}, REMOTE_ADDR="11.0.0.1")
    counters.writer.write()
    [(text, advice)] = doctor()[1]["proxies"]
    assert text.startswith("Requests with X-Forwarded headers came from 127.0.0.1, which is not in TRUSTED_PROXIES")
    assert "add it to TRUSTED_PROXIES" in advice
    installation.TRUSTED_PROXIES = [ip_addresses.network("127.0.0.0/8")]
    assert doctor() == (0, {})


def test_a_database_that_cannot_be_reached_skips_what_needs_it(tmp_path):
    nobody = processes.free_port()
    result = processes.subprocess.run(
        [processes.sys.executable, "manage.py", "doctor"],
        cwd=processes.ROOT, capture_output=True, text=True, check=False, timeout=60,
        env=processes.environment_of(DATABASE_URL=f"postgres://me:hunter2-secret@127.0.0.1:{nobody}/none"),
    )  # fmt: skip
    assert result.returncode == 1
    assert "problem  database\n         The database cannot be used: connection" in result.stdout
    assert "skipped  delivery" in result.stdout
    assert "hunter2-secret" not in result.stdout + result.stderr


def test_a_check_that_crashes_is_a_problem_and_stops_no_other(installation, monkeypatch):
    def broken():
        raise ValueError("postgres://me:hunter2-secret@host/x is no number")

    monkeypatch.setattr(registry, "_checks", [registry.Check("broken", broken), *registry._checks])
    code, problems = doctor()
    assert code == 1
    assert "The check failed: ValueError" in problems["broken"][0][0]
    assert "hunter2-secret" not in str(problems)
    assert len(problems) == 1
