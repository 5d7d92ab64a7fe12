"""The environment is validated at start: an error names the variable and the allowed values."""

import os
import re
import runpy
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from foodfleet import environment

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"SECRET_KEY": "k" * 20 + "0123456789abcdefghij" + "q" * 20}


def start(command="import foodfleet.settings as s; print(s.PUBLIC_URL)", **environment):
    """Read the settings in a process of its own with exactly this environment."""
    values = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=values, capture_output=True, text=True, check=False, timeout=60
    )


WRONG = {
    "ATTACHMENTS_URL": ["s3://", "file://", "file:///", "file://host/folder", "ftp://x/y", "s3://bucket?x=1"],
    "DATABASE_URL": [
        "mysql://x/y", "nonsense", "postgres://", "postgres://host", "postgres://host/", "postgres://host:0/name",
        "postgres://host:70000/name", "postgres://host:port/name", "postgres://me:pa#ss@host:5432/name",
        "postgres://me:pa/ss@host/name", "postgres://host/name/more", "postgres://host/na me",
        "postgres://host/name?conn_max_age=60", "postgres://host/name?conn_max_age=", "postgres://host/name?pool=true",
        "postgres://host/name?atomic_requests=true", "postgres://host/name?sslmode=perhaps", "sqlite://", "sqlite:///",
        "sqlite:///x.sqlite3?timeout=5", "sqlite:////proc/none/x.sqlite3",
    ],
    "REDIS_URL": [
        "http://127.0.0.1:6379", "redis://", "redis://host:port", "redis://host:99999/0", "redis://host:6379/x",
        "redis://:pa#ss@host:6379/0", "unix://", "rediss://host:0/0",
    ],
    "CELERY_BROKER_URL": [
        "kafka://127.0.0.1", "amqp://", "amqp://host:port//", "amqp://host:99999//", "amqp://me:pa#ss@host//",
        "redis://host:port/0", "redis://host:6379/name", "sqs://key:secret@host", "redis:/host",
    ],
    "EMAIL_URL": [
        "pigeon://", "smtp://", "filemail://", "filemail://folder", "smtp://h:port", "smtp://h:0", "smtp://h:99999",
        "smtp+tls://me:pa#ss@host:587", "smtp://host:25/path", "smtp://host?ssl=true", "amazonses://us-east-1",
        "consolemail://x",
    ],
    "SMS_URL": ["twilio://x", "file://", "file://folder", "sns://us-east-1"],
    "AWS_ENDPOINT_URL": ["127.0.0.1:5000", "http://", "http://host:port", "https://ho st"],
    "AWS_REGION": ["Frankfurt", "us east 1"],
    "AWS_DEFAULT_REGION": ["moon"],
    "EMAIL_MAX_PER_SECOND": ["0", "-1", "many"],
    "SMS_MAX_PER_SECOND": ["1e9x"],
    "SES_TOPIC_ARNS": ["reports", "arn:aws:sqs:us-east-1:123456789012:reports"],
    "SNS_DELIVERY_LOG_GROUPS": ["two words"],
    "INSTALLED_MODULES": ["two words", "./trucks", "trucks/", "acme.trucks", "django.contrib.humanize", "accounts"],
    "MESSAGES_REDUCED_AFTER_DAYS": ["0", "soon"],
    "MESSAGES_REMOVED_AFTER_DAYS": ["0", "4000"],
    "SECURITY_EVENTS_REMOVED_AFTER_DAYS": ["soon", "99999999"],
    "DEFAULT_FROM_EMAIL": ["nonsense", "FoodFleet", "FoodFleet <no-reply>", "a@b.example, c@d.example", "<>", "a@"],
    "SITE_NAME": ["x" * 41, "a\nb", "<b>", 'a"b', "a:b", "{{ x }}", "100%"],
    "SITE_LOGO": ["logo.png", "http://cdn.example.com/logo.png", "//cdn.example.com/logo.png", "https://cdn.example.com",
                  "javascript:alert(1)", "/logo.png?x=1", "/a b.png", "/logo';.png"],
    "SITE_COLOR": ["green", "#fff", "1e5c43", "#1e5c4g"],
    "SUPPORT_EMAIL": ["nonsense", "Help <help@example.com>", "a@b.example, c@d.example"],
    "DELIVERY_SENDERS": ["0", "51"],
    "DELIVERY_LEASE_SECONDS": ["1", "x"],
    "DELIVERY_DEAD_AFTER_SECONDS": ["1", "x"],
    "EMAIL_MAX_MEGABYTES": ["0", "41"],
    "SES_API": ["v3"],
    "SES_CONFIGURATION_SET": ["two words"],
    "SMS_SENDER_ID": ["12345", "longer than eleven", "Food Fleet", "Food-Fleet"],
    "SMS_MAX_PRICE": ["0", "cheap"],
    "EMAIL_LIMIT_ADDRESS": ["10"],
    "SMS_LIMIT_NUMBER": ["ten"],
    "SMS_LIMIT_COUNTRY": ["0/hour"],
    "SMS_LIMIT_ALL": ["5/week"],
    "USER_ATTRIBUTES": ["/nowhere/attributes.json", "/", __file__],
    "TOKEN_CLAIMS": ["shift", "[]", '{"a": ', "null"],
    "THROTTLE_LOGIN": ["20", "0/min", "20/fortnight"],
    "THROTTLE_REGISTER": ["x"],
    "THROTTLE_FORGOT": ["x"],
    "THROTTLE_2FA": ["x"],
    "THROTTLE_API_KEY": ["x"],
    "THROTTLE_USER": ["x"],
    "WEB_CONCURRENCY": ["0", "two"],
    "WEB_THREADS": ["0", "65", "four"],
    "PORT": ["0", "65536", "http"],
    "SECRET_KEY": ["short"],
    "SECRET_KEY_FALLBACKS": ["short", f"{GOOD['SECRET_KEY']},short"],
    "ENCRYPTION_KEYS": ["short"],
    "DEBUG": ["maybe"],
    "PUBLIC_URL": [
        "example.com", "ftp://example.com", "https://example.com/path", "https://example.com:port",
        "https://example.com:99999", "https://me:secret@example.com", "https://example.com#x", "https://exa mple.com",
    ],
    "ALLOWED_HOSTS": ["https://example.com", "example.com:8000", "example.com/path", "two words"],
    "CORS_ALLOWED_ORIGINS": [
        "*", "app.example.com", "https://app.example.com/", "https://app.example.com/path", "https://*.example.com",
        "null", "https://app.example.com:port", "https://app.example.com:0", "https://app.example.com https://b.example",
        "https://me@app.example.com", "https://", "https://[", "https://bücher.example",
    ],
    "FRONTEND_URLS": [
        "nonsense", "[]", '{"app": "https://app.example.com"}', '{"two words": {}}', '{"": {}}',
        '{"app": {"reset": 1}}', '{"app": {"reset": "https://app.example.com/"}}',
        '{"app": {"reset": "https://app.example.com/{token}/{token}"}}', '{"app": {"login": "https://a.example/{token}"}}',
        '{"app": {"reset": "https://app.example.com/{other}?{token}"}}', '{"app": {"unknown": "https://a.example"}}',
        '{"app": {"reset": "/reset?token={token}"}}', '{"app": {"reset": "//app.example.com/{token}"}}',
        '{"app": {"reset": "https://{token}.example.com/"}}', '{"app": {"reset": "https://me:pw@a.example/{token}"}}',
        '{"app": {"reset": "javascript://x/%0aalert({token})"}}', '{"app": {"reset": "data://text/{token}"}}',
        '{"app": {"reset": "https://a.example:99999/{token}"}}', '{"app": {"reset": "https:///{token}"}}',
        '{"app": {"reset": "https://a.example/ x{token}"}}', '{"app": {"reset": "https://a.example/\\"{token}"}}',
        '{"app": {"reset": "https://a.example/<b>{token}"}}', '{"app": {"reset": "https://b\u00fccher.example/{token}"}}',
        '{"app": {"reset": "https://a.example/' + "x" * 500 + '{token}"}}', "[" * 100_000,
    ],
    "METRICS_ALLOWED_NETS": ["10.0.0.0/33", "prometheus.example.com"],
    "WEBHOOK_ALLOWED_NETS": ["10.0.0.0/33", "crm.example.com"],
    "TRUSTED_PROXIES": ["10.0.0.0/33", "proxy.example.com"],
    "OTEL_EXPORTER_OTLP_ENDPOINT": ["collector:4318", "grpc://collector:4317"],
    "SENTRY_DSN": ["https://sentry.example.com/1", "key@sentry.example.com/1", "https://key@sentry.example.com"],
    "LOG_FORMAT": ["xml"],
    "LOG_LEVEL": ["LOUD"],
    "JWT_SIGNING_ALGORITHM": ["none", "HS1"],
    "JWT_PRIVATE_KEY_FILES": ["/nonexistent.pem"],
    "REGISTRATION": ["maybe"],
    "REGISTRATION_ALLOWED_DOMAINS": ["example", "@example.com", "*.example.com", "https://example.com", "a..example"],
    "REGISTRATION_BLOCKED_DOMAINS": ["two words.example", "example.com."],
    "PERSONAL_API_KEYS": ["perhaps"],
    "PASSWORD_POLICY": ["none"],
    "PWNED_PASSWORDS_URL": ["api.pwnedpasswords.com", "https://"],
    "ACCOUNTS_EMAIL_VERIFICATION": ["perhaps"],
    "ACCOUNTS_PREVENT_ENUMERATION": ["perhaps"],
    "ADMIN_REQUIRE_2FA": ["perhaps"],
    "SECOND_FACTOR_SMS": ["perhaps"],
    "BCRYPT_ROUNDS": ["3", "99"],
    "TOTP_DRIFT_STEPS": ["11"],
    "REFRESH_GRACE_SECONDS": ["301"],
    "SESSION_MAX_DAYS": ["0"],
    "BODY_TIMEOUT_SECONDS": ["0", "301"],
    "CONNECT_TIMEOUT_SECONDS": ["0", "61"],
    "DATABASE_STATEMENT_TIMEOUT_SECONDS": ["0"],
    "DATABASE_LOCK_TIMEOUT_SECONDS": ["0"],
    "REDIS_TIMEOUT_SECONDS": ["0"],
}  # fmt: skip
RIGHT = [
    {"DATABASE_URL": "postgres://me:pa%23ss%2F%40@host:5432/name?sslmode=require&connect_timeout=5"},
    {"DATABASE_URL": "postgres://%2Fvar%2Frun%2Fpostgresql/name"},
    {"DATABASE_URL": "postgres://[::1]:5432/name"},
    {"DATABASE_URL": "sqlite://:memory:"},
    {"REDIS_URL": "redis://:secret@host:6379/0", "CELERY_BROKER_URL": "rediss://me:secret@host/1?ssl_cert_reqs=required"},
    {"REDIS_URL": "unix:///run/redis.sock", "CELERY_BROKER_URL": "amqp://guest:guest@127.0.0.1:5672//"},
    {"REDIS_URL": "redis://redis_1", "CELERY_BROKER_URL": "sqs://"},
    {"EMAIL_URL": "smtps://me%40example.com:secret@mail.example.com"},
    {"EMAIL_URL": "amazonses://", "SMS_URL": "sns://", "AWS_ENDPOINT_URL": "http://127.0.0.1:5000"},
    {"EMAIL_URL": "filemail:///mails", "SMS_URL": "file:///texts"},
    {"DEFAULT_FROM_EMAIL": '"Food, Fleet" <no-reply@example.com>'},
    {"DEFAULT_FROM_EMAIL": "no-reply@example.com", "ALLOWED_HOSTS": "*"},
    {"ALLOWED_HOSTS": ".example.com,[::1],127.0.0.1,web_1", "PUBLIC_URL": "https://accounts.example.com:8443/"},
    {"CORS_ALLOWED_ORIGINS": "https://app.example.com, http://localhost:5173,capacitor://localhost,http://[::1]:8080"},
    {"FRONTEND_URLS": '{"app": {"reset": "https://app.example.com/#/reset?token={token}", "login": "https://a.example"}}'},
    {"FRONTEND_URLS": '{"ios": {"verify": "foodfleet://verify/{token}", "reset": "com.example.app:///reset/{token}"}}'},
    {"SITE_NAME": "Müller & Söhne, Inc.", "SITE_LOGO": "https://cdn.example.com:8443/a/logo.png", "SITE_COLOR": "#FFCC00"},
    {"SITE_LOGO": "/brand/logo.svg", "PUBLIC_URL": "http://127.0.0.1:8000"},
    {"SES_TOPIC_ARNS": "arn:aws:sns:us-east-1:123456789012:reports,arn:aws-us-gov:sns:us-gov-west-1:123456789012:x"},
    {"SNS_DELIVERY_LOG_GROUPS": "sns/us-east-1/123456789012/DirectPublishToPhoneNumber", "AWS_REGION": "us-gov-west-1"},
    {"ATTACHMENTS_URL": "s3://my-bucket/mails"},
    {"ATTACHMENTS_URL": "file:///srv/attachments"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "SENTRY_DSN": "https://k3y@o1.ingest.sentry.example.com/42"},
    {"SMS_SENDER_ID": "FoodFleet", "SES_CONFIGURATION_SET": "reports-1"},
]  # fmt: skip


def read_by_settings():
    """Names of the variables that settings.py reads."""
    source = (ROOT / "foodfleet" / "settings.py").read_text()
    return set(re.findall(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"', source))


def test_each_variable_is_tried_with_a_wrong_value():
    assert read_by_settings() == WRONG.keys()


def test_each_variable_is_documented():
    documented = (ROOT / "docs" / "configuration.md").read_text()
    assert not [name for name in read_by_settings() if f"`{name}`" not in documented]


@pytest.fixture
def read(monkeypatch):
    """Read the settings in this process with exactly this environment: a process each would take minutes."""

    def run(values):
        monkeypatch.setattr(os, "environ", {**GOOD, **values})
        return runpy.run_path(str(ROOT / "foodfleet" / "settings.py"))

    return run


def test_domains_are_read_as_addresses_are_stored(read):
    domains = read({"REGISTRATION_ALLOWED_DOMAINS": "Example.COM, .xn--bcher-kva.example,faß.example"})
    assert domains["REGISTRATION_ALLOWED_DOMAINS"] == ["example.com", ".bücher.example", "faß.example"]


def test_the_name_of_the_site_is_in_the_sender_and_the_schema(read):
    named = read({"SITE_NAME": "Zephyr", "PUBLIC_URL": "https://id.zephyr.example"})
    assert named["DEFAULT_FROM_EMAIL"] == '"Zephyr" <no-reply@id.zephyr.example>'
    assert named["SPECTACULAR_SETTINGS"]["TITLE"] == "Zephyr"
    assert "no-reply@foodfleet.example" in read({"PUBLIC_URL": "http://127.0.0.1:8000"})["DEFAULT_FROM_EMAIL"]


def test_the_scheme_of_a_url_is_read_in_lower_case(read):
    settings = read({"SMS_URL": "FILE:///Texts", "EMAIL_URL": "SMTP://Me@host"})
    assert (settings["SMS_URL"], settings["EMAIL_URL"]) == ("file:///Texts", "smtp://Me@host")


def test_the_policy_for_pages_allows_the_host_of_the_logo(read):
    policy = read({"SITE_LOGO": "https://cdn.example.com/logo.png"})["CONTENT_SECURITY_POLICY"]
    assert policy["DIRECTIVES"]["img-src"] == ["'self'", "data:", "https://cdn.example.com"]


def test_origins_are_read_as_browsers_write_them(read):
    values = {"CORS_ALLOWED_ORIGINS": "HTTPS://App.Example.com:443,http://b.example:80,http://b.example:8080"}
    assert read(values)["CORS_ALLOWED_ORIGINS"] == [
        "https://app.example.com", "http://b.example", "http://b.example:8080"
    ]  # fmt: skip


@pytest.mark.parametrize("values", RIGHT)
def test_valid_settings_start(read, values):
    assert read(values)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_stops_the_start_with_one_line_that_names_it(read, name, value):
    with pytest.raises(SystemExit) as stopped:
        read({name: value})
    [line] = str(stopped.value).splitlines()
    assert line.startswith(f"FoodFleet cannot start. {name} has a wrong value: it must be ")


@pytest.mark.parametrize(
    ("values", "is_installed", "what"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"}, False, "-r requirements-tracing.txt"),
        ({"SENTRY_DSN": "https://k@h/1"}, True, "'foodfleet[tracing]'"),
    ],
)
def test_tracing_without_its_packages_stops_the_start_and_names_them(read, monkeypatch, values, is_installed, what):
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    monkeypatch.setattr(environment.local_files, "IS_INSTALLED", is_installed)
    with pytest.raises(SystemExit) as stopped:
        read(values)
    (name,) = values
    assert str(stopped.value) == (
        f"FoodFleet cannot start. {name} is set and needs packages that are not installed. Run: pip install {what}"
    )


def test_the_start_ends_with_that_line_and_status_1():
    result = start(**{**GOOD, "EMAIL_URL": "smtp://h:port"})
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    assert "EMAIL_URL" in result.stderr


def test_a_variable_may_be_in_a_file(read, tmp_path):
    (tmp_path / "secret").write_text(f"  {'s' * 50}\n")
    (tmp_path / "url").write_text("postgres://me:hunter2@host:5432/name\n")
    values = {"SECRET_KEY": "", "SECRET_KEY_FILE": f"{tmp_path}/secret", "DATABASE_URL_FILE": f"{tmp_path}/url"}
    settings = read(values)
    assert settings["SECRET_KEY"] == "s" * 50
    assert settings["DATABASES"]["default"]["HOST"] == "host"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"REDIS_URL_FILE": "/nowhere"}, "REDIS_URL_FILE has a wrong value: it must be the path of a text file"),
        ({"REDIS_URL_FILE": "/"}, "REDIS_URL_FILE has a wrong value: it must be the path of a text file"),
        ({"REDIS_URL": "redis://h", "REDIS_URL_FILE": "/x"}, "REDIS_URL and REDIS_URL_FILE are both set"),
        ({"PORT_FILE": str(ROOT / "LICENSE")}, "PORT has a wrong value"),
    ],
)
def test_a_file_that_does_not_fit_stops_the_start_with_one_line(read, values, line):
    with pytest.raises(SystemExit) as stopped:
        read(values)
    assert str(stopped.value).startswith(f"FoodFleet cannot start. {line}")
    assert "\n" not in str(stopped.value)


def test_without_a_secret_a_production_start_refuses():
    result = start()
    assert result.returncode == 1
    assert result.stderr.startswith("FoodFleet cannot start. SECRET_KEY is not set")


def test_a_wrong_secret_is_not_repeated():
    assert "short-secret" not in start(SECRET_KEY="short-secret").stderr


def test_defaults_are_enough_beside_the_secret():
    assert start(**GOOD).stdout.strip() == "http://localhost:8000"


def test_a_folder_for_mails_is_taken_as_it_is_written():
    command = "import foodfleet.settings as s; print(s.EMAIL_FILE_PATH)"
    result = start(**GOOD, EMAIL_URL="filemail:///some/folder", command=command)
    assert result.stdout.strip() == "/some/folder"


def test_a_mail_server_is_read_from_one_url():
    command = "import foodfleet.settings as s; print(s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_HOST_USER, s.EMAIL_USE_TLS)"
    result = start(**GOOD, EMAIL_URL="smtp+tls://me:secret@mail.example.com:587", command=command)
    assert result.stdout.strip() == "mail.example.com 587 me True"


def test_the_port_is_part_of_the_public_address():
    assert start(**GOOD, PORT="8123").stdout.strip() == "http://localhost:8123"


def test_the_development_secret_is_made_once_and_is_its_owners_alone(tmp_path):
    from foodfleet.local_files import local_secret

    path = tmp_path / "var" / "secret_key"
    first = local_secret(path)
    assert local_secret(path) == first
    assert len(first) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
