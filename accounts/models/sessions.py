"""Sign-ins and their chains of refresh tokens."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from accounts.querysets import RefreshTokenQuerySet, SessionQuerySet
from accounts.states import EndReason


class Session(models.Model):
    """One sign-in of one device, with its chain of refresh tokens. Its id is the tokens' `sid`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    device_name = models.CharField(max_length=100, blank=True, default="")
    user_agent = models.CharField(max_length=400, blank=True, default="")
    fingerprint = models.CharField(max_length=32, blank=True, default="", help_text=_("To know the device again."))
    ip = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text=_("Ends then, however much it is used."))
    reauthenticated_at = models.DateTimeField(null=True, help_text=_("When its owner was last re-authenticated in it."))
    mfa_passed_at = models.DateTimeField(
        null=True, help_text=_("When two-factor authentication was last passed in it.")
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, blank=True, default="", choices=EndReason)

    objects: ClassVar[SessionQuerySet] = SessionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [
            models.Index(fields=["user", "-last_used_at"], name="accounts_session_of_user"),
            models.Index(fields=["expires_at"], name="accounts_session_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.device_name or self.user_agent}"


class RefreshToken(models.Model):
    """One link in a session's chain of refresh tokens, known by its digest alone."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="refresh_tokens")
    digest = models.CharField(max_length=64, unique=True)
    kid = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text=_("The key that signed it; empty for tokens older than this record."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True, blank=True)
    predecessor = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="successor",
        help_text=_("What bought this one: a chain, never a tree."),
    )
    successor_ciphertext = models.TextField(
        blank=True,
        default="",
        help_text=_("What this one bought, for REFRESH_GRACE_SECONDS; the token alone opens it."),
    )

    objects: ClassVar[RefreshTokenQuerySet] = RefreshTokenQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.session_id} {self.created_at:%Y-%m-%d %H:%M}"
