"""The kernel's checks of `manage.py doctor`: settings, services, static files, the clock."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.models import Model
from django.db.utils import DatabaseError
from django.http.request import validate_host
from django.utils import timezone
from redis.exceptions import ResponseError

from foodfleet.core.cache import limit_stores, shared
from foodfleet.core.database import partitions
from foodfleet.core.doctor.registry import Problem, register
from foodfleet.core.http import health
from foodfleet.core.metrics import unknown_proxies

MOST_DRIFT = 2.0  # seconds; access tokens allow 10, and codes of authenticator apps 30
# Warnings that all follow from a PUBLIC_URL with http://, which `public_address` reports.
WITHOUT_HTTPS = {"security.W004", "security.W008", "security.W010", "security.W012", "security.W016"}
IN_PLAIN_WORDS = {
    "security.W009": Problem(
        "SECRET_KEY is short or repeats a few characters: tokens and cookies can be forged.",
        "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(64))'.",
    ),
    "security.W018": Problem(
        "DEBUG is on: error pages show settings and code to anybody.", "Set DEBUG=false, or do not set it."
    ),
}


@register()
def database() -> Iterator[Problem]:
    """Check that the database is reachable and has every table."""
    try:
        connection.ensure_connection()
        state = health.migrations_state()
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        yield Problem(f"The database cannot be used: {reason}", "Start it, or correct DATABASE_URL.")
        return
    if state != health.OK:
        yield Problem("Migrations were not applied: tables or columns are missing.", "Run manage.py migrate.")


def missing_partitions(*models: type[Model], command: str) -> Iterator[Problem]:
    """Report tables without partitions for this month and the next. command: makes them, and runs every hour."""
    for model in models:
        if months := partitions.missing(model, timezone.now(), ahead=1):
            names = " and ".join(f"{month:%B %Y}" for month in months)
            yield Problem(
                f"The table {model._meta.db_table} has no partition for {names}: new rows are stored in the default "
                "partition, and removed one by one.",
                f"Run manage.py {command} as the owner of the tables. If it runs every hour, its log says why it "
                "creates no partitions (partition_not_made).",
            )


@register()
def deployment() -> Iterator[Problem]:
    """Run Django's and our deployment checks: DEBUG, the strength of SECRET_KEY, cookies, proxies."""
    is_https = settings.PUBLIC_URL.startswith("https://")
    for message in checks.run_checks(include_deployment_checks=True):
        if message.level >= checks.WARNING and not message.is_silenced():
            if message.id in IN_PLAIN_WORDS:
                yield IN_PLAIN_WORDS[message.id]
            elif is_https or message.id not in WITHOUT_HTTPS:
                yield Problem(f"{message.msg} ({message.id})", str(message.hint or "Change the setting that it names."))


@register()
def public_address() -> Iterator[Problem]:
    """Check PUBLIC_URL, ALLOWED_HOSTS and TRUSTED_PROXIES."""
    address = urlsplit(settings.PUBLIC_URL)
    if address.scheme != "https":
        yield Problem(
            f"PUBLIC_URL is {settings.PUBLIC_URL}: passwords and tokens are sent without encryption.",
            "Put a proxy that terminates TLS in front of FoodFleet and set PUBLIC_URL=https://...",
        )
    if not validate_host(address.netloc.partition(":")[0], settings.ALLOWED_HOSTS):
        yield Problem(
            f"ALLOWED_HOSTS does not contain {address.hostname}, the host of PUBLIC_URL: every request gets 400.",
            "Add it to ALLOWED_HOSTS, or leave ALLOWED_HOSTS empty.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Problem("ALLOWED_HOSTS accepts any host.", "List the hosts that your proxy passes on.")
    if any(network.prefixlen == 0 for network in settings.TRUSTED_PROXIES):
        yield Problem(
            "TRUSTED_PROXIES trusts every address: clients can forge theirs and evade every rate limit.",
            "List only the addresses that your proxy connects from.",
        )


@register(needs_database=True)
def proxies() -> Iterator[Problem]:
    """Compare TRUSTED_PROXIES with the proxies that requests came from."""
    for address in sorted(unknown_proxies.private_addresses(), key=str):
        if not any(address in network for network in settings.TRUSTED_PROXIES):
            yield Problem(
                f"Requests with X-Forwarded headers came from {address}, which is not in TRUSTED_PROXIES: "
                "these headers are ignored, and all clients behind that address share its limits.",
                f"If {address} is your proxy, add it to TRUSTED_PROXIES. "
                "If not, remove the count of such requests as docs/metrics.md shows.",
            )


@register()
def cache() -> Iterator[Problem]:
    """Check that Redis responds and does not evict keys."""
    if health.cache_state() == health.DOWN:
        yield Problem(
            "Redis does not answer at REDIS_URL; the slower database is used instead.",
            "Start Redis, or correct REDIS_URL.",
        )
    elif redis := shared.client():
        try:
            policy = redis.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
        except ResponseError:  # managed Redis hides its configuration
            return
        if policy != "noeviction":
            yield Problem(
                f"Redis evicts keys when its memory is full (maxmemory-policy {policy}).",
                "Set maxmemory-policy to noeviction.",
            )


@register()
def broker() -> Iterator[Problem]:
    """Check that Celery's broker responds."""
    if health.broker_state() == health.DOWN:
        yield Problem("The broker does not answer at CELERY_BROKER_URL.", "Start it, or correct CELERY_BROKER_URL.")


@register(needs_database=True)
def clock() -> Iterator[Problem]:
    """Compare the clock of this machine with the database's."""
    before = time.time()
    there = limit_stores.database_clock()
    drift = there - (before + time.time()) / 2
    if abs(drift) > MOST_DRIFT:
        yield Problem(
            f"This machine's clock is {abs(drift):.0f} seconds {'behind' if drift > 0 else 'ahead of'} the database's.",
            "Let both machines follow a time server (chrony, systemd-timesyncd).",
        )


@register()
def static_files() -> Iterator[Problem]:
    """Check that static files were collected; with DEBUG that is not needed."""
    if not settings.DEBUG and not (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        yield Problem(
            "Static files were not collected: pages have no style.", "Run manage.py collectstatic, or make serve."
        )
