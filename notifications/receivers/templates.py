"""What holds right after `migrate`, and what follows from a change of a template."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save, pre_delete, pre_save
from django.dispatch import receiver

from notifications.models import EmailOverride, SmsTemplate
from notifications.services import template_cache, templates


@receiver(post_migrate)
def create_missing_templates(sender: AppConfig, **kwargs: Any) -> None:
    """The texts that the product sends are there; what staff edited stays."""
    if sender.name == "notifications":
        templates.create_missing()


# However a template changes (service, fixture, shell), every process reads it anew.
@receiver([pre_save, pre_delete], sender=SmsTemplate)
@receiver([pre_save, pre_delete], sender=EmailOverride)
def remember_nothing(**kwargs: Any) -> None:
    """A template is about to be written."""
    template_cache.about_to_change()


@receiver([post_save, post_delete], sender=SmsTemplate)
@receiver([post_save, post_delete], sender=EmailOverride)
def read_anew(**kwargs: Any) -> None:
    """A template was written."""
    template_cache.changed()
