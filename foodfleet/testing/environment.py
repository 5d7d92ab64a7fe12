"""A pytest plugin that is loaded before Django's settings: an environment that does not depend on the shell.

Enable it by `addopts = -p foodfleet.testing.environment` in pytest.ini. Tests run on SQLite, with an in-process cache,
and e-mails stay in memory.
"""

import os

DEPLOYMENT = {
    "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DEBUG", "PUBLIC_URL", "ALLOWED_HOSTS", "TRUSTED_PROXIES",
}  # fmt: skip
PREFIXES = ("AWS_", "THROTTLE_", "ACCOUNTS_", "JWT_", "EMAIL_", "SMS_", "PASSWORD_")
VALUES = {
    "SECRET_KEY": "a-key-of-the-tests-that-protects-nothing-at-all-0123456789",
    "ADMIN_REQUIRE_2FA": "false",  # as `make run` does; the tests of MFA switch it on
    "BCRYPT_ROUNDS": "4",  # the minimum of bcrypt: the tests hash thousands of passwords
    "EMAIL_URL": "memorymail://",
    "LOG_LEVEL": "WARNING",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PUBLIC_URL": "http://testserver",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    **{f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "REGISTER", "FORGOT", "2FA", "USER")},
}

for name in list(os.environ):
    # Variables that a developer has set for `make run` must not affect tests.
    if name.startswith(PREFIXES) or name in DEPLOYMENT:
        del os.environ[name]
os.environ.update(VALUES)
