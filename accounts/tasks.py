"""What beat calls for. Every task may be lost or come twice without harm."""

from celery import shared_task

from accounts.services import deferred, purge


@shared_task(name="accounts.purge_expired")
def purge_expired() -> None:
    """Remove what ran out."""
    purge.purge_expired()


@shared_task(name="accounts.carry_out_resets")
def carry_out_resets() -> None:
    """Take away the second factors whose reset is due."""
    purge.perform_due_resets()


@shared_task(name="accounts.sweep")
def sweep() -> None:
    """Do what answers left to do and their processes did not."""
    deferred.sweep()
