"""Migrations may take as long as they need."""

from typing import Any

from django.db import connections
from django.db.models.signals import pre_migrate
from django.dispatch import receiver

LIFTED = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@receiver(pre_migrate)
def lift_timeouts(using: str, **kwargs: Any) -> None:
    """Switch off what ends a request's statements: building an index on a large table takes minutes."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for name in LIFTED:
                cursor.execute(f"SET {name} = 0")
