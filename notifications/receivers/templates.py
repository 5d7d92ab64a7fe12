"""Create the product's SMS templates after `migrate`, and invalidate the template cache on changes."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save
from django.dispatch import receiver

from foodfleet.core.database import tables
from foodfleet.core.models import CacheVersion
from notifications.models import EmailOverride, SmsTemplate, SmsTemplateVersion
from notifications.services.templates import cache, sms_templates


@receiver(post_migrate)
def create_missing_templates(sender: AppConfig, using: str = "default", **kwargs: Any) -> None:
    """Create missing SMS templates of the product and keep edited ones."""
    if sender.name == "notifications" and tables.are_current(
        SmsTemplate, SmsTemplateVersion, CacheVersion, using=using
    ):
        sms_templates.create_missing()


@receiver([post_save, post_delete], sender=SmsTemplate)
@receiver([post_save, post_delete], sender=EmailOverride)
def invalidate_cache(**kwargs: Any) -> None:
    """Invalidate the template cache, also for changes by fixtures or the shell."""
    cache.invalidate()
