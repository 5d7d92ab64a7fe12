"""Serializers of the versions of SMS templates and e-mail overrides."""

from typing import Any

from foodfleet.core.http import serializers

OPENED_WITH = "The version that you edited; 409 `newer_version` if there is a newer one. Without it nothing is checked."


class OpenedWithField(serializers.IntegerField):
    """The version that the editor saw."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**31 - 1, required=False, help_text=OPENED_WITH, **kwargs)


class VersionSerializer(serializers.Serializer[Any]):
    """The content after one save."""

    number = serializers.IntegerField(read_only=True)
    data = serializers.DictField(read_only=True)  # type: ignore[assignment]  # Serializer has a property of this name
    saved_by = serializers.IntegerField(source="saved_by_id", read_only=True, allow_null=True, help_text="A user's id.")
    saved_at = serializers.DateTimeField(read_only=True)


class RestoreSerializer(serializers.Serializer[Any]):
    """How to restore a version."""

    opened_with = OpenedWithField()
