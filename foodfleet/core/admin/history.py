"""Record admin actions other than edits in Django's history of admin changes."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import Promise


def record(request: HttpRequest, objects: Sequence[Any], sentence: str | Promise) -> None:
    """Record `sentence` in the history of each of `objects`, in one statement and in the site's language."""
    if objects:
        with translation.override(settings.LANGUAGE_CODE):
            text = str(sentence).replace("\x00", "")  # may quote what staff typed; PostgreSQL stores no NUL
        LogEntry.objects.log_actions(request.user.pk, objects, CHANGE, text)  # type: ignore[arg-type]


def recorder(request: HttpRequest, sentence: str | Promise) -> Callable[[Sequence[Any]], None]:
    """Return a function that records `sentence` for the objects it is given, for services that work in batches."""
    return lambda objects: record(request, objects, sentence)
