"""One number higher with each save, and no save over a version that its writer never saw."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format

from notifications.exceptions import NewerVersionException


def next_number(thing: Any, opened_with: int | None) -> int:
    """Take the next version number of `thing`, in the transaction that saves it.

    opened_with: the version that its writer saw; None: whatever there is now. Raises NewerVersionException, which names
    who saved meanwhile and when.
    """
    rows = type(thing).objects.filter(pk=thing.pk)
    seen = rows if opened_with is None else rows.filter(version=opened_with)
    if not seen.update(version=F("version") + 1) and opened_with is not None:
        newest = thing.versions.select_related("saved_by").order_by("-number").first()
        when = date_format(timezone.localtime(newest.saved_at), "DATETIME_FORMAT") if newest else "-"
        raise NewerVersionException.of(newest.saved_by if newest else None, when)
    return int(rows.values_list("version", flat=True).get())


def write(thing: Any) -> None:
    """Save `thing`, which was checked. Raises the check's ValidationError if somebody took its name since."""
    try:
        with transaction.atomic():
            # A row that staff edit as a whole: `next_number` saw to it that nobody saved another version meanwhile.
            is_new = thing.pk is None
            names = [field.name for field in thing._meta.concrete_fields if not field.primary_key and field.editable]
            thing.save(force_insert=is_new, update_fields=None if is_new else [*names, "version", "updated_at"])
    except IntegrityError:
        thing.validate_unique()
        thing.validate_constraints()
        raise
