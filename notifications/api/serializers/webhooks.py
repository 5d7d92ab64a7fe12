"""Serializers of webhook endpoints and deliveries."""

from typing import Any, ClassVar

from foodfleet.core.http import serializers
from notifications.api.serializers.messages import EventSerializer
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.models.webhooks import LONGEST_URL
from notifications.states import DisabledReason, Status, webhook_event_choices

LONGEST_DESCRIPTION = 500


class UrlField(serializers.CharField):
    """An http(s) URL, which the service validates."""

    schema: ClassVar[dict[str, Any]] = {"format": "webhook-url", "example": "https://example.com/hooks"}


class EventsField(serializers.ListField):
    """Names of events."""

    def __init__(self, **kwargs: Any) -> None:
        choices = webhook_event_choices()
        child = serializers.ChoiceField(choices=choices)
        super().__init__(child=child, allow_empty=False, min_length=1, max_length=len(choices), **kwargs)


class EndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """A webhook endpoint, without its secret."""

    url = serializers.CharField(read_only=True)
    events = EventsField(read_only=True, help_text='`["*"]`: all events.')
    owner = serializers.IntegerField(
        source="owner_id", read_only=True, allow_null=True, help_text="The user who is notified when it is disabled."
    )
    disabled_reason = serializers.ChoiceField(
        choices=["", *DisabledReason.values],
        read_only=True,
        help_text="Why it was disabled.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id", "url", "events", "description", "is_active", "owner", "failing_since", "disabled_reason",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class EndpointSecretSerializer(EndpointSerializer):
    """A webhook endpoint with its new secret."""

    secret = serializers.SerializerMethodField()

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "secret"]
        read_only_fields = fields

    def get_secret(self, endpoint: WebhookEndpoint) -> str:
        """The secret: `whsec_` and base64. No other response contains it."""
        return str(self.context["secret"])


class EndpointCreateSerializer(serializers.Serializer[Any]):
    """A new webhook endpoint."""

    url = UrlField(max_length=LONGEST_URL)
    events = EventsField(help_text='`["*"]`: all events, including future ones.')
    description = serializers.CharField(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


class EndpointChangeSerializer(serializers.Serializer[Any]):
    """Changes to a webhook endpoint; omitted fields stay as they are."""

    url = UrlField(max_length=LONGEST_URL, required=False)
    events = EventsField(required=False)
    description = serializers.CharField(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False, help_text="Nothing is delivered to an inactive endpoint.")


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """A delivery and its timeline."""

    id = serializers.UUIDField(source="message_id", read_only=True, help_text="Also its `webhook-id`.")
    endpoint = serializers.IntegerField(source="endpoint_id", read_only=True)
    event = serializers.CharField(source="message.template", read_only=True)
    status = serializers.ChoiceField(source="message.status", choices=Status.choices, read_only=True)
    attempts = serializers.IntegerField(source="message.attempts", read_only=True)
    last_error = serializers.CharField(source="message.last_error", read_only=True)
    next_attempt_at = serializers.SerializerMethodField()
    sent_at = serializers.DateTimeField(source="message.sent_at", read_only=True, allow_null=True)
    events = EventSerializer(source="message.events", many=True, read_only=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "endpoint", "event", "status", "attempts", "last_error", "created_at", "next_attempt_at", "sent_at",
            "events",
        ]  # fmt: skip
        read_only_fields = fields

    def get_next_attempt_at(self, delivery: WebhookDelivery) -> str | None:
        """The time of the next attempt; null if there is none."""
        waits = delivery.message.status == Status.QUEUED
        return serializers.DateTimeField().to_representation(delivery.message.due_at) if waits else None
