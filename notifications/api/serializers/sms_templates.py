"""Serializers of SMS templates."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field

from foodfleet.core.http import serializers
from foodfleet.core.http.serializers import NOT_BLANK
from notifications.api.serializers.messages import ContextField
from notifications.api.serializers.versions import OpenedWithField
from notifications.models import SMS_LENGTH, SmsTemplate
from notifications.models.templates import NAME
from notifications.services.templates import sms_templates

VALUE_LENGTH = sms_templates.EXAMPLE_LENGTH


class ValuesField(serializers.DictField):
    """A value for each name."""

    def __init__(self, **kwargs: Any) -> None:
        child = serializers.CharField(max_length=VALUE_LENGTH, allow_blank=True, trim_whitespace=False)
        super().__init__(child=child, **kwargs)


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            code: {"type": "string", "pattern": NOT_BLANK, "maxLength": SMS_LENGTH}
            for code, _name in settings.LANGUAGES
        },
        "additionalProperties": False,
    }
)
class TranslationsField(serializers.DictField):
    """The content by language."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=SMS_LENGTH, trim_whitespace=False), **kwargs)


class SmsTemplateSerializer(serializers.ModelSerializer[SmsTemplate]):
    """An SMS template; `variables` are the names of its placeholders."""

    name = serializers.CharField(max_length=100, validators=[NAME])
    content = serializers.ContentField(max_length=SMS_LENGTH)
    variables = serializers.SerializerMethodField()
    translations = TranslationsField(required=False)
    examples = ValuesField(required=False)

    class Meta:
        model = SmsTemplate
        fields = [
            "id", "name", "content", "is_active", "description", "variables", "translations", "examples", "version",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["version", "created_at", "updated_at"]

    def get_variables(self, template: SmsTemplate) -> list[str]:
        """Return the names of the template's placeholders."""
        return sms_templates.placeholders_of(template)


class SmsTemplateChangeSerializer(SmsTemplateSerializer):
    """Changes to an SMS template; omitted fields stay as they are."""

    opened_with = OpenedWithField()

    class Meta(SmsTemplateSerializer.Meta):
        fields = [*SmsTemplateSerializer.Meta.fields, "opened_with"]


class SmsTestSerializer(serializers.Serializer[Any]):
    """The language of a test SMS."""

    language = serializers.CharField(max_length=10, required=False, allow_blank=True, default="")


class SmsPreviewInSerializer(serializers.Serializer[Any]):
    """Values for a preview."""

    variables = ContextField(required=False, default=dict)
    language = serializers.CharField(max_length=10, required=False, allow_blank=True, default="")


class SmsPreviewSerializer(serializers.Serializer[Any]):
    """The rendered SMS and its size."""

    text = serializers.CharField()
    encoding = serializers.ChoiceField(choices=["GSM-7", "UCS-2"], source="size.encoding")
    segments = serializers.IntegerField(source="size.segments")
    missing = serializers.ListField(child=serializers.CharField())
    unknown = serializers.ListField(child=serializers.CharField())
