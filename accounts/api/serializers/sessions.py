"""Serializers for sessions and security events."""

from typing import Any

from drf_spectacular.utils import extend_schema_field

from accounts.models import SecurityEvent, Session, User
from foodfleet.core.http import serializers
from foodfleet.core.http.clients import describe_user_agent


class PersonSerializer(serializers.Serializer[Any]):
    """A user in a security event."""

    id = serializers.IntegerField()
    email = serializers.EmailField(allow_null=True)


class SessionSerializer(serializers.ModelSerializer[Session]):
    """A session."""

    user_agent = serializers.SerializerMethodField(help_text="Readable, such as `Firefox 140 on Windows`.")
    current = serializers.SerializerMethodField(help_text="Whether this request belongs to it.")

    class Meta:
        model = Session
        fields = ["id", "device_name", "ip", "user_agent", "created_at", "last_used_at", "current"]
        read_only_fields = fields

    def get_user_agent(self, session: Session) -> str:
        """Return browser or program in readable form."""
        return describe_user_agent(session.user_agent)

    def get_current(self, session: Session) -> bool:
        """Return whether this request belongs to the session."""
        current: Any = self.context["request"].auth
        return isinstance(current, Session) and current.pk == session.pk


class SecurityEventSerializer(serializers.ModelSerializer[SecurityEvent]):
    """A security event of the account."""

    description = serializers.CharField(source="get_kind_display", read_only=True)
    user_agent = serializers.SerializerMethodField(help_text="Readable.")
    by_other = serializers.SerializerMethodField(help_text="Whether another user caused it, such as staff.")

    class Meta:
        model = SecurityEvent
        fields = [
            "id", "kind", "description", "created_at", "ip", "user_agent", "session_id", "request_id", "by_other",
            "details",
        ]  # fmt: skip
        read_only_fields = fields

    def get_user_agent(self, event: SecurityEvent) -> str:
        """Return browser or program in readable form."""
        return describe_user_agent(event.user_agent)

    def get_by_other(self, event: SecurityEvent) -> bool:
        """Return whether another user caused the event."""
        return event.actor_id is not None and event.actor_id != event.user_id


class StaffEventSerializer(SecurityEventSerializer):
    """A security event with its user and actor."""

    user = serializers.SerializerMethodField(help_text="Whom it concerns; null if no account has the address.")
    actor = serializers.SerializerMethodField(help_text="Who did it, if not the user.")

    class Meta(SecurityEventSerializer.Meta):
        fields = [
            "id", "kind", "description", "created_at", "user", "actor", "ip", "user_agent", "session_id", "request_id",
            "details",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(PersonSerializer(allow_null=True))
    def get_user(self, event: SecurityEvent) -> dict[str, Any] | None:
        """Return the user whom the event concerns."""
        return _person(event.user_id, event.user)

    @extend_schema_field(PersonSerializer(allow_null=True))
    def get_actor(self, event: SecurityEvent) -> dict[str, Any] | None:
        """Return who did it, if not the user."""
        return _person(event.actor_id, event.actor)


def _person(pk: int | None, user: User | None) -> dict[str, Any] | None:
    # Without a row, because it was deleted by hand, only the id is known.
    return {"id": pk, "email": user.email if user else None} if pk else None
