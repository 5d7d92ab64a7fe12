"""What holds right after `migrate`, and what follows from a change of a template."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save, pre_delete, pre_save
from django.dispatch import receiver

from foodfleet.core.database import tables
from foodfleet.core.models import CacheVersion
from notifications.models import EmailOverride, SmsTemplate, SmsTemplateVersion
from notifications.services.templates import cache, sms_templates


@receiver(post_migrate)
def create_missing_templates(sender: AppConfig, using: str = "default", **kwargs: Any) -> None:
    """The texts that the product sends are there; what staff edited stays."""
    if sender.name == "notifications" and tables.are_current(
        SmsTemplate, SmsTemplateVersion, CacheVersion, using=using
    ):
        sms_templates.create_missing()


# However a template changes (service, fixture, shell), every process reads it anew. Before the write, so that nobody
# who reads meanwhile keeps it; after it, for a write in no transaction, which stands before it was announced.
@receiver([pre_save, post_save, pre_delete, post_delete], sender=SmsTemplate)
@receiver([pre_save, post_save, pre_delete, post_delete], sender=EmailOverride)
def read_anew(**kwargs: Any) -> None:
    """A template is about to be written, or was."""
    cache.renew()
