"""Webhooks: endpoints of other systems, and deliveries to them."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.database.search import matching
from notifications.models.messages import Message
from notifications.states import DisabledReason

LONGEST_URL = 2000
HEALTHY = {"failing_since": None, "failures": 0, "retry_at": None}


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Queries of endpoints."""

    def active(self) -> Self:
        """Filter endpoints to which events are delivered."""
        return self.filter(is_active=True)

    def search(self, text: str) -> Self:
        """Filter endpoints whose URL and description contain each word."""
        return matching(self, text, "url", "description")

    def record_success(self) -> None:
        """Reset the failures of these endpoints."""
        self.filter(failures__gt=0).update(**HEALTHY)

    def record_failure(self, now: datetime, retry_at: datetime) -> None:
        """Count a failure. retry_at: the time before which nothing else is delivered."""
        self.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now), retry_at=retry_at)


class WebhookEndpoint(models.Model):
    """A URL of another system to which events are posted."""

    url = models.CharField(_("URL"), max_length=LONGEST_URL)
    events = models.JSONField(_("events"), default=list)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Is told by e-mail when the endpoint is disabled."),
    )
    secret = models.TextField(editable=False, help_text="Encrypted.")
    previous_secret = models.TextField(editable=False, default="", help_text="Encrypted; signs too for a while.")
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False, help_text="Nothing is delivered before this.")
    disabled_reason = models.CharField(
        _("disabled because"), max_length=10, choices=DisabledReason, blank=True, default="", editable=False
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")

    def __str__(self) -> str:
        return self.url


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Queries of deliveries."""

    def listed(self) -> Self:
        """Load deliveries for a list, with messages and timelines and without content."""
        with_message = self.select_related("message").defer("message__payload")
        return with_message.prefetch_related("message__events")


class WebhookDelivery(models.Model):
    """An event for one endpoint. Its message has the status, the content and the timeline."""

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, db_constraint=False, primary_key=True, related_name="webhook"
    )
    # No constraint: the deletion of an endpoint at the same time must not make the event fail.
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="deliveries",
        verbose_name=_("endpoint"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes = [
            models.Index(fields=["endpoint", "-created_at", "-message"], name="notifications_of_endpoint"),
        ]

    def __str__(self) -> str:
        to = f" · {self.endpoint}" if self.endpoint else ""
        return f"{self.message.template}{to} · {timezone.localtime(self.created_at):%Y-%m-%d %H:%M}"
