"""Serializers of suppressions."""

from typing import Any

from foodfleet.core.http import serializers
from notifications.models import Suppression
from notifications.services.audience.suppression import LONGEST_REASON
from notifications.states import EVERY_KIND, OPTIONAL_KINDS, TO_PEOPLE_CHOICES

KINDS = [EVERY_KIND, *(kind.value for kind in OPTIONAL_KINDS)]
EMPTY_KIND = "Empty: messages of every kind."


class SuppressionSerializer(serializers.ModelSerializer[Suppression]):
    """A suppressed address or number, in force until it is lifted."""

    kind = serializers.CharField(read_only=True, help_text=EMPTY_KIND)

    class Meta:
        model = Suppression
        fields = [
            "id", "channel", "address", "kind", "reason", "detail", "created_at", "lifted_at", "lifted_by",
            "lifted_because",
        ]  # fmt: skip
        read_only_fields = fields


class SuppressionCreateSerializer(serializers.Serializer[Any]):
    """An address or number to suppress."""

    channel = serializers.ChoiceField(choices=TO_PEOPLE_CHOICES)
    address = serializers.CharField(max_length=254, help_text="An e-mail address, or a number such as +4915123456789.")
    kind = serializers.ChoiceField(choices=KINDS, required=False, default=EVERY_KIND, help_text=EMPTY_KIND)
    detail = serializers.CharField(max_length=500, help_text="The reason.")


class SuppressionLiftSerializer(serializers.Serializer[Any]):
    """Why a suppression is lifted."""

    because = serializers.CharField(max_length=LONGEST_REASON, help_text="The reason, which is stored.")
    recipient_agreed = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Whether the recipient agreed to get messages again. Required for `opt_out` and `complaint`.",
    )
