"""Options of the libraries that connect to the database, Redis and the broker, with time-outs for each."""

from dataclasses import dataclass
from typing import Any

# WAL lets readers continue while another connection writes. IMMEDIATE takes the write lock at the start of a
# transaction, where SQLite waits for it; later in a transaction it fails with "database is locked". FULL: a committed
# change survives a loss of power, as on PostgreSQL.
SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
TCP = {  # a connection whose peer no longer responds is closed 10 seconds after the last acknowledgement
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


@dataclass(frozen=True)
class Timeouts:
    """Time-outs in seconds."""

    connect: int
    redis: int
    statement: int
    lock: int


def database_settings(read: dict[str, Any], timeouts: Timeouts) -> dict[str, Any]:
    """Return an entry of DATABASES. read: the settings from the database's URL."""
    if read["ENGINE"].endswith("sqlite3"):
        return {**read, "ENGINE": "foodfleet.core.database.sqlite3", "CONN_MAX_AGE": None, "OPTIONS": SQLITE}
    given = read.get("OPTIONS", {})
    # No parallel workers: to start them takes longer than most statements. PostgreSQL would for a search in partitions.
    session = (
        f"-c statement_timeout={timeouts.statement}s -c lock_timeout={timeouts.lock}s"
        " -c idle_in_transaction_session_timeout=60s -c max_parallel_workers_per_gather=0"
        f" {given.get('options', '')}"
    )
    return {
        **read,
        "ENGINE": "foodfleet.core.database.postgres",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": timeouts.connect, **TCP, **given, "options": session},
    }


def redis_cache(url: str, timeouts: Timeouts) -> dict[str, Any]:
    """Return an entry of CACHES for Redis."""
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": "foodfleet",
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",  # pickle would run code found in Redis
            "SOCKET_CONNECT_TIMEOUT": timeouts.redis,
            "SOCKET_TIMEOUT": timeouts.redis,
        },
    }


def broker_options(url: str, timeouts: Timeouts, *, region: str) -> dict[str, Any]:
    """Return the options of kombu's transport."""
    if url.startswith(("redis://", "rediss://")):  # kombu has no time-outs by default
        return {"socket_timeout": timeouts.redis, "socket_connect_timeout": timeouts.redis}
    if url.startswith("sqs://"):  # boto3 itself reads AWS_ENDPOINT_URL and the credentials
        client = {"connect_timeout": timeouts.connect, "read_timeout": 3, "retries": {"total_max_attempts": 1}}
        return {"region": region, "queue_name_prefix": "foodfleet-", "client-config": client}
    return {}
