"""What happens to a message that was written: it is sent once the transaction holds."""

from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from kombu.exceptions import OperationalError as BrokerError

from notifications import signals, tasks
from notifications.models import Message
from notifications.services import delivery

logger = structlog.get_logger(__name__)


@receiver(signals.message_queued)
def send_on_commit(message: Message, **kwargs: Any) -> None:
    """Deliver once the transaction holds: by a worker where there is a broker, else here and now."""
    if settings.CELERY_BROKER_URL:
        transaction.on_commit(lambda: _dispatch(message))
    else:
        transaction.on_commit(lambda: delivery.deliver(message.pk), robust=True)


def _dispatch(message: Message) -> None:
    try:
        tasks.deliver.delay(str(message.pk))
    except (BrokerError, OSError):
        # The row is committed: the sweep finds it once the broker is back.
        logger.warning("broker_unreachable", message_id=str(message.pk))
