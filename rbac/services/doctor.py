"""Checks of `manage.py doctor` for rbac."""

from collections.abc import Iterator

from foodfleet.core.doctor.registry import Problem, register
from rbac.services import sync


@register(needs_database=True)
def permissions() -> Iterator[Problem]:
    """Check that the database has the permissions and default roles that the code declares."""
    changes = sync.dry_run().changes
    if changes:
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        yield Problem(
            f"Permissions do not match the code. Pending: {changes[0]}{more}",
            "Run manage.py sync_permissions.",
        )
