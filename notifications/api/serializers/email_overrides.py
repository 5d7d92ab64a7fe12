"""Serializers of the product's e-mails and their overrides."""

from typing import Any

from django.conf import settings

from foodfleet.core.http import serializers
from notifications.api.serializers.versions import OpenedWithField
from notifications.models import EmailOverride
from notifications.models.templates import LONGEST_HTML, LONGEST_TEXT

ANY_LANGUAGE = "Empty: every language without its own override."
LANGUAGES = [("", ANY_LANGUAGE), *settings.LANGUAGES]


class VariableSerializer(serializers.Serializer[Any]):
    """A variable of an e-mail."""

    name = serializers.CharField(read_only=True)
    is_required = serializers.BooleanField(read_only=True, help_text="Whether every override must contain it.")
    example = serializers.CharField(read_only=True)


class EmailTemplateSerializer(serializers.Serializer[Any]):
    """An e-mail of the product."""

    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    variables = VariableSerializer(many=True, read_only=True)
    by_hand = serializers.BooleanField(read_only=True, help_text="Whether staff may send it.")


class EmailTemplatesSerializer(serializers.Serializer[Any]):
    """All e-mails of the product, as a list with one page."""

    next = serializers.CharField(read_only=True, allow_null=True, default=None)
    previous = serializers.CharField(read_only=True, allow_null=True, default=None)
    results = EmailTemplateSerializer(many=True, read_only=True)


class EmailContentSerializer(serializers.Serializer[Any]):
    """The subject, HTML and text of an e-mail."""

    subject = serializers.CharField(read_only=True)
    html = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)


class LanguageSerializer(serializers.Serializer[Any]):
    """The language of an e-mail."""

    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False)


class EmailOverrideSerializer(serializers.ModelSerializer[EmailOverride]):
    """Content that replaces the product's own content of an e-mail in one language."""

    template = serializers.CharField(max_length=100, help_text="The name of an e-mail.")
    language = serializers.ChoiceField(choices=LANGUAGES, required=False, default="", help_text=ANY_LANGUAGE)
    subject = serializers.CharField(max_length=200)
    html = serializers.ContentField(max_length=LONGEST_HTML)
    text = serializers.ContentField(max_length=LONGEST_TEXT)

    class Meta:
        model = EmailOverride
        fields = [
            "id", "template", "language", "subject", "html", "text", "is_active", "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["version", "created_at", "updated_at"]


class EmailOverrideChangeSerializer(serializers.Serializer[Any]):
    """Changes to an override; omitted fields stay as they are. An override keeps its e-mail and language."""

    subject = serializers.CharField(max_length=200, required=False)
    html = serializers.ContentField(max_length=LONGEST_HTML, required=False)
    text = serializers.ContentField(max_length=LONGEST_TEXT, required=False)
    is_active = serializers.BooleanField(required=False)
    opened_with = OpenedWithField()
