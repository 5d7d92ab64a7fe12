"""Serializers of imports of users."""

from typing import Any

from accounts.services.staff.imports import Mode
from foodfleet.core.http import serializers


class ImportInSerializer(serializers.Serializer[Any]):
    """A file of users."""

    file = serializers.FileField(allow_empty_file=True, help_text="CSV in UTF-8, or the JSON of a Keycloak realm.")
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Check every line and create nothing.")
    invite = serializers.BooleanField(
        required=False, default=False, help_text="Send those without a password a link to choose one."
    )

    @staticmethod
    def mode(values: dict[str, Any]) -> Mode:
        """Return the mode that the validated values stand for."""
        if values["dry_run"]:
            return Mode.CHECK
        return Mode.INVITE if values["invite"] else Mode.CREATE


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a line was rejected. It contains no value of the line."""

    line = serializers.IntegerField()
    field = serializers.CharField(help_text="The column; empty for the whole line.")
    message = serializers.CharField()


class ImportSerializer(serializers.Serializer[Any]):
    """The result of an import: numbers of lines."""

    lines = serializers.IntegerField()
    created = serializers.IntegerField(help_text="With `dry_run`, how many would be created.")
    present = serializers.IntegerField(help_text="Lines whose address has an account; it is not changed.")
    refused = serializers.IntegerField()
    problems = ProblemSerializer(many=True, help_text="The first 1,000.")
