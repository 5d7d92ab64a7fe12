"""Periodic tasks. It is safe to lose one or to run it twice."""

from celery import shared_task

from accounts.services import deferred, purge, statistics


@shared_task(name="accounts.purge_expired")
def purge_expired() -> None:
    """Delete expired rows."""
    purge.purge_expired()


@shared_task(name="accounts.run_due_resets")
def run_due_resets() -> None:
    """Perform the approved MFA resets that are due."""
    purge.perform_due_resets()


@shared_task(name="accounts.delete_due")
def delete_due() -> None:
    """Delete the accounts whose owners requested it 14 days ago, and remind owners three days before."""
    purge.perform_due_deletions()


@shared_task(name="accounts.sweep")
def sweep() -> None:
    """Run deferred jobs of processes that died."""
    deferred.sweep()


@shared_task(name="accounts.count_events")
def count_events() -> None:
    """Count security events for the home page of the admin."""
    statistics.count_events()
