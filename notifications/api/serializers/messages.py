"""Messages as they are shown: what became of them, never what a code or link was."""

from base64 import b64decode
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from notifications.models import Message, MessageEvent
from notifications.services.emails import LONGEST_SUBJECT


class EventSerializer(serializers.ModelSerializer[MessageEvent]):
    """A line of a message's timeline."""

    class Meta:
        model = MessageEvent
        fields = ["type", "at", "details"]


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message and its timeline."""

    events = EventSerializer(many=True, read_only=True)
    to = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Message
        fields = [
            "id", "channel", "to", "subject", "template", "status", "attempts", "provider_message_id", "last_error",
            "created_at", "sent_at", "events",
        ]  # fmt: skip
        read_only_fields = fields


class QueuedSerializer(serializers.ModelSerializer[Message]):
    """What a send answers."""

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
    """A file; `content` is base64."""

    filename = serializers.CharField(max_length=255)
    content_type = serializers.CharField(max_length=255, required=False, allow_blank=True)
    content = Base64Field()


class AddressesField(serializers.ListField):
    """E-mail addresses; what is one is decided where mails are ordered."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=320), max_length=50, **kwargs)


class ContextField(serializers.DictField):
    """Values of a template: texts and numbers."""

    child = serializers.CharField(max_length=5000, allow_blank=True, trim_whitespace=False)


class SendEmailSerializer(serializers.Serializer[Any]):
    """A mail to be sent."""

    to = AddressesField(allow_empty=False, min_length=1)
    cc = AddressesField(required=False)
    bcc = AddressesField(required=False)
    reply_to = AddressesField(required=False)
    subject = serializers.CharField(max_length=LONGEST_SUBJECT, required=False, trim_whitespace=False)
    text = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)
    html = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)
    template = serializers.CharField(max_length=100, required=False)
    context = ContextField(required=False)  # type: ignore[assignment]  # a field of every serializer in its stubs
    attachments = AttachmentSerializer(many=True, required=False)
    kind = serializers.ChoiceField(choices=["account", "marketing"], required=False)
    send_at = serializers.DateTimeField(required=False)


class SendSmsSerializer(serializers.Serializer[Any]):
    """A text to be sent."""

    to = serializers.CharField(max_length=32)
    text = serializers.CharField(required=False, trim_whitespace=False)
    template = serializers.CharField(max_length=100, required=False)
    variables = ContextField(required=False)
    kind = serializers.ChoiceField(choices=["account", "marketing"], required=False)
    send_at = serializers.DateTimeField(required=False)
