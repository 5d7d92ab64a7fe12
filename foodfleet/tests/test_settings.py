"""The environment is checked at the start: one line that names the variable and says what it may be."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

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
    "DATABASE_URL": ["mysql://x/y", "nonsense", "postgres://"],
    "REDIS_URL": ["http://127.0.0.1:6379"],
    "CELERY_BROKER_URL": ["kafka://127.0.0.1"],
    "EMAIL_URL": ["pigeon://", "smtp://", "filemail://"],
    "SMS_URL": ["twilio://x"],
    "AWS_ENDPOINT_URL": ["127.0.0.1:5000"],
    "EMAIL_MAX_PER_SECOND": ["0", "-1", "many"],
    "SMS_MAX_PER_SECOND": ["1e9x"],
    "THROTTLE_LOGIN": ["20", "0/min", "20/fortnight"],
    "THROTTLE_REGISTER": ["x"],
    "THROTTLE_FORGOT": ["x"],
    "THROTTLE_2FA": ["x"],
    "THROTTLE_USER": ["x"],
    "WEB_CONCURRENCY": ["0", "two"],
    "PORT": ["0", "65536", "http"],
    "SECRET_KEY": ["short"],
    "DEBUG": ["maybe"],
    "PUBLIC_URL": ["example.com", "ftp://example.com", "https://example.com/path"],
    "TRUSTED_PROXIES": ["10.0.0.0/33", "proxy.example.com"],
    "LOG_FORMAT": ["xml"],
    "LOG_LEVEL": ["LOUD"],
    "JWT_SIGNING_ALGORITHM": ["none", "HS1"],
    "JWT_PRIVATE_KEY_FILES": ["/nonexistent.pem"],
    "PASSWORD_POLICY": ["none"],
    "ACCOUNTS_EMAIL_VERIFICATION": ["perhaps"],
    "ACCOUNTS_PREVENT_ENUMERATION": ["perhaps"],
    "BCRYPT_ROUNDS": ["3", "99"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_stops_the_start_with_one_line_that_names_it(name, value):
    result = start(**{**GOOD, name: value})
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    assert name in result.stderr
    assert "must be" in result.stderr


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
    from foodfleet.local_secret import local_secret

    path = tmp_path / "var" / "secret_key"
    first = local_secret(path)
    assert local_secret(path) == first
    assert len(first) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
