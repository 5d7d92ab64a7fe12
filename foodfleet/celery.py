"""The Celery application that `make worker` and `make beat` run."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.entity import Queue

from foodfleet.environment import require_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")

app = Celery("foodfleet")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in ("codes", "transactional", "bulk", "sms", "default")]
app.steps["worker"].add(DjangoStructLogInitStep)  # one request_id through request, enqueue and task
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """Hearing this signal keeps Celery from installing its own log handlers over LOGGING."""


@celeryd_init.connect
@beat_init.connect
def refuse_without_broker(**kwargs: Any) -> None:
    """Celery would try amqp://guest@localhost for ever."""
    require_broker(settings.CELERY_BROKER_URL)
