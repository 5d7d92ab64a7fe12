"""What staff do in the admin beside editing, in the same history as their edits."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import Promise


def record(request: HttpRequest, things: Sequence[Any], sentence: str | Promise) -> None:
    """Write `sentence` into the history of each of `things`, in one statement and in the language of the site."""
    if things:
        with translation.override(settings.LANGUAGE_CODE):
            words = str(sentence)
        LogEntry.objects.log_actions(request.user.pk, things, CHANGE, words)  # type: ignore[arg-type]


def recorder(request: HttpRequest, sentence: str | Promise) -> Callable[[Sequence[Any]], None]:
    """A function that records `sentence` for the things that it is given: for services that work by batches."""
    return lambda things: record(request, things, sentence)
