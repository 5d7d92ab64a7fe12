"""Versions of templates: numbers, optimistic locking, and the audit of changes."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from accounts.states import EventKind
from foodfleet.core.http.clients import Client
from foodfleet.modules.events import event_recorded
from notifications.exceptions import NewerVersionException

NO_CLIENT = Client()


def next_number(thing: Any, opened_with: int | None) -> int:
    """Reserve the next version number of `thing`, in the transaction that saves it.

    opened_with: the version that the editor saw; None: not checked. Raises NewerVersionException, which says who saved
    a newer version and when.
    """
    rows = type(thing).objects.filter(pk=thing.pk)
    seen = rows if opened_with is None else rows.filter(version=opened_with)
    if not seen.update(version=F("version") + 1) and opened_with is not None:
        newest = thing.versions.select_related("saved_by").order_by("-number").first()
        when = date_format(timezone.localtime(newest.saved_at), "DATETIME_FORMAT") if newest else "-"
        raise NewerVersionException.of(newest.saved_by if newest else None, when)
    return int(rows.values_list("version", flat=True).get())


def save_row(thing: Any) -> None:
    """Save the validated `thing`. Raises Django's ValidationError if its name was taken since the validation."""
    try:
        with transaction.atomic():
            # All fields: `next_number` has checked that no other version was saved in between.
            is_new = thing.pk is None
            names = [field.name for field in thing._meta.concrete_fields if not field.primary_key and field.editable]
            thing.save(force_insert=is_new, update_fields=None if is_new else [*names, "version", "updated_at"])
    except IntegrityError:
        thing.validate_unique()
        thing.validate_constraints()
        raise


def record(thing: Any, change: str, by: User | None, client: Client) -> None:
    """Record a change (created, updated, deleted) of an SMS template or e-mail override as a security event."""
    details = {"template": str(thing), "type": thing._meta.model_name, "change": change, "version": thing.version}
    kind = EventKind.TEMPLATE_CHANGED
    event_recorded.send(sender=type(thing), kind=kind, actor=by, client=client, user=None, details=details)
