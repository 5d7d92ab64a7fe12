"""Read delivery reports of SMS from the log of Amazon SNS."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.utils import timezone

from notifications.exceptions import DeliveryError
from notifications.models import Receipt
from notifications.services.feedback import outcomes, reports

if TYPE_CHECKING:
    from notifications.gateways.sns_log import LogLine

logger = structlog.get_logger(__name__)

FIRST_READ = timedelta(days=1)  # how far back the first run reads
OVERLAP = timedelta(minutes=10)  # lines are written late and out of order
BATCH = 500
Lines = Callable[[str, int], Iterator["LogLine"]]


def read(*, lines: Lines | None = None, now: datetime | None = None) -> int:
    """Record the new lines of SNS_DELIVERY_LOG_GROUPS and return how many there were."""
    if not settings.SNS_DELIVERY_LOG_GROUPS:
        return 0
    lines, taken = lines or _lines_of_cloudwatch(), 0
    for group in settings.SNS_DELIVERY_LOG_GROUPS:
        source = _source(group)
        newest = Receipt.objects.newest_from(source)
        since = newest - OVERLAP if newest is not None else (now or timezone.now()) - FIRST_READ
        try:
            found = lines(group, int(since.timestamp() * 1000))
            while batch := list(islice(found, BATCH)):
                taken += _record_new(batch, source)
        except DeliveryError as error:
            logger.warning("sms_log_not_read", group=group, error=str(error))
    return taken


def _lines_of_cloudwatch() -> Lines:
    from notifications.gateways import sns_log  # boto3: only for processes that read the log

    return sns_log.lines


def _source(group: str) -> str:
    """Return the prefix for the IDs of a group's lines: each group has a separate reading position."""
    return f"log:{hashlib.sha256(group.encode()).hexdigest()[:12]}:"


def _record_new(batch: "list[LogLine]", source: str) -> int:
    ids = {f"{source}{line.id}"[:200]: line for line in batch}
    new = ids.keys() - Receipt.objects.known(ids.keys())
    for source_id in sorted(new):
        try:
            outcomes.record(reports.of_sns_log(ids[source_id].text), source_id=source_id)
        except reports.UnreadableReportError as error:
            logger.warning("report_unreadable", source="sms_log", error=str(error))
    return len(new)
