"""Serializers of messages. They never contain the content, which may have codes and links."""

from base64 import b64decode
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework.fields import CharField

from foodfleet.core.http import serializers
from foodfleet.core.http.serializers import NOT_BLANK
from foodfleet.core.phone_numbers import PHONE_SCHEMA
from notifications.models import Message, MessageEvent
from notifications.services.compose.email import LONGEST_SUBJECT
from notifications.states import TO_PEOPLE_CHOICES

VALUE_LENGTH = 5000  # characters of one template value


class EventSerializer(serializers.ModelSerializer[MessageEvent]):
    """An event in a message's timeline."""

    class Meta:
        model = MessageEvent
        fields = ["type", "at", "details"]


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message and its timeline."""

    events = EventSerializer(many=True, read_only=True)
    to = serializers.ListField(child=serializers.CharField(), read_only=True)
    channel = serializers.ChoiceField(choices=TO_PEOPLE_CHOICES, read_only=True)

    class Meta:
        model = Message
        fields = [
            "id", "channel", "to", "subject", "template", "status", "attempts", "provider_message_id", "last_error",
            "created_at", "sent_at", "events",
        ]  # fmt: skip
        read_only_fields = fields


class MessageDetailSerializer(MessageSerializer):
    """A message with everything but its content."""

    cc = serializers.ListField(child=serializers.CharField(), read_only=True)
    bcc = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta(MessageSerializer.Meta):
        fields = [
            *MessageSerializer.Meta.fields, "cc", "bcc", "kind", "priority", "language", "template_version",
            "is_uncertain", "user", "sender", "due_at", "expires_at", "request_id",
        ]  # fmt: skip
        read_only_fields = fields


class QueuedSerializer(serializers.ModelSerializer[Message]):
    """The ID and status of a queued message."""

    class Meta:
        model = Message
        fields = ["id", "status"]


class Base64Field(serializers.CharField):
    """Bytes as base64 (RFC 4648, standard alphabet)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        try:
            return b64decode(super().run_validation(data), validate=True)
        except ValueError:
            raise serializers.ValidationError(_("This is not base64."), code="invalid_base64") from None


class AttachmentSerializer(serializers.Serializer[Any]):
    """An attachment; `content` is base64."""

    filename = serializers.CharField(max_length=255)
    content_type = serializers.CharField(max_length=255, required=False, allow_blank=True)
    content = Base64Field()


class AddressField(serializers.CharField):
    """`ann@example.com` or `Ann <ann@example.com>`."""

    schema: ClassVar[dict[str, Any]] = {"format": "mailbox", "example": "Ann <ann@example.com>"}


class AddressesField(serializers.ListField):
    """E-mail addresses, which the service validates."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=AddressField(max_length=320), max_length=50, **kwargs)


@extend_schema_field({"oneOf": [{"type": "string", "maxLength": VALUE_LENGTH}, {"type": "number"}]})
class ValueField(CharField):
    """A template value: text or a number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=VALUE_LENGTH, allow_blank=True, trim_whitespace=False, **kwargs)


class ContextField(serializers.DictField):
    """Template values: text and numbers."""

    child = ValueField()


def _filled(name: str, *others: str) -> dict[str, Any]:
    """Return the rule that this text is there and not blank, and the others are there."""
    return {"required": [name, *others], "properties": {name: {"pattern": NOT_BLANK}}}


class SendEmailSerializer(serializers.Serializer[Any]):
    """An e-mail to send: subject with text or HTML, or a template."""

    schema_rules: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"required": ["template"], "not": {"anyOf": [_filled("text"), _filled("html")]}},
            {**_filled("text", "subject"), "not": {"required": ["template"]}},
            {**_filled("html", "subject"), "not": {"anyOf": [{"required": ["template"]}, _filled("text")]}},
        ]
    }

    to = AddressesField(allow_empty=False, min_length=1)
    cc = AddressesField(required=False)
    bcc = AddressesField(required=False)
    reply_to = AddressesField(required=False)
    subject = serializers.ContentField(max_length=LONGEST_SUBJECT, required=False)
    text = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)
    html = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)
    template = serializers.CharField(max_length=100, required=False)
    context = ContextField(required=False)  # type: ignore[assignment]  # the stubs of Serializer have an attribute of this name
    attachments = AttachmentSerializer(many=True, required=False)
    kind = serializers.ChoiceField(choices=["account", "marketing"], required=False)
    send_at = serializers.DateTimeField(required=False)


class RecipientPhoneField(serializers.CharField):
    """A phone number, which the service validates."""

    schema: ClassVar[dict[str, Any]] = PHONE_SCHEMA


class SendSmsSerializer(serializers.Serializer[Any]):
    """An SMS to send: a text, or a template with its variables."""

    schema_rules: ClassVar[dict[str, Any]] = {"oneOf": [{"required": ["text"]}, {"required": ["template"]}]}

    to = RecipientPhoneField(max_length=32)
    text = serializers.ContentField(required=False)
    template = serializers.CharField(max_length=100, required=False)
    variables = ContextField(required=False)
    kind = serializers.ChoiceField(choices=["account", "marketing"], required=False)
    send_at = serializers.DateTimeField(required=False)
