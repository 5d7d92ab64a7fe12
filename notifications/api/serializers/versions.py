"""Serializers of versions, which SMS templates and e-mail overrides have alike."""

from typing import Any

from foodfleet.core.http import serializers

OPENED_WITH = "The version that you changed: a newer one is not overwritten (409 `newer_version`). Without it, any."


class OpenedWithField(serializers.IntegerField):
    """The version that the editor saw."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**31 - 1, required=False, help_text=OPENED_WITH, **kwargs)


class VersionSerializer(serializers.Serializer[Any]):
    """The content after one save."""

    number = serializers.IntegerField(read_only=True)
    data = serializers.DictField(read_only=True)  # type: ignore[assignment]  # a property of every serializer
    saved_by = serializers.IntegerField(source="saved_by_id", read_only=True, allow_null=True, help_text="A user's id.")
    saved_at = serializers.DateTimeField(read_only=True)


class RestoreSerializer(serializers.Serializer[Any]):
    """How to restore a version."""

    opened_with = OpenedWithField()
