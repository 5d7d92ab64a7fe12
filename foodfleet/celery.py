"""The Celery application that `make worker` and `make beat` run."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging
from django.conf import settings
from django.utils.log import configure_logging
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.entity import Queue

from foodfleet.core.logging import log_all_output
from foodfleet.environment import require_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")

app = Celery("foodfleet")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in ("codes", "transactional", "bulk", "sms", "webhooks", "default")]
app.steps["worker"].add(DjangoStructLogInitStep)  # one request_id through request, enqueue and task
app.autodiscover_tasks()


@celeryd_init.connect
@setup_logging.connect
def start(**kwargs: Any) -> None:
    """Refuse to start without a broker, and configure logging.

    Without a broker Celery would retry one on localhost forever. A receiver of `setup_logging` keeps Celery from
    installing its own handlers.
    """
    require_broker(settings.CELERY_BROKER_URL)
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    log_all_output()
