"""Sessions and their refresh tokens."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from accounts.states import EndReason

# Raw SQL, because the ORM takes longer to build this statement than the database to execute it.
CONSUME = "UPDATE {table} SET consumed_at = %s, successor_ciphertext = %s WHERE id = %s AND consumed_at IS NULL"


class SessionQuerySet(models.QuerySet["Session"]):
    """Sessions."""

    def live(self, now: datetime) -> Self:
        """Filter sessions that have neither ended nor expired, and whose newest refresh token has not expired."""
        oldest_use = now - settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
        return self.filter(ended_at__isnull=True, expires_at__gt=now, last_used_at__gt=oldest_use)

    def of(self, user: User) -> Self:
        """Filter sessions of one user."""
        return self.filter(user=user)

    def usable(self, session_id: uuid.UUID, now: datetime) -> Self:
        """Filter the session if it is live and the account is open, and select its user."""
        open_account = self.filter(user__is_active=True, user__locked_at__isnull=True)
        return open_account.live(now).filter(pk=session_id).select_related("user")

    def with_newest_token_by(self, kid: str) -> Self:
        """Filter sessions whose newest refresh token was signed by the key `kid`, or by an unrecorded key."""
        newest = RefreshToken.objects.filter(session=OuterRef("pk"), consumed_at__isnull=True, kid__in=[kid, ""])
        return self.filter(Exists(newest))

    def expired_before(self, time: datetime) -> Self:
        """Filter sessions that expired before `time`."""
        return self.filter(expires_at__lt=time)

    def reauthenticated_since(self, time: datetime) -> Self:
        """Filter sessions in which the user has re-authenticated since `time`."""
        return self.filter(reauthenticated_at__gt=time)

    def end(self, now: datetime, reason: str) -> int:
        """End the sessions; return how many had not ended before."""
        return self.filter(ended_at__isnull=True).update(ended_at=now, end_reason=reason)


class Session(models.Model):
    """One sign-in on one device, with its chain of refresh tokens. Its id is the claim `sid` of the tokens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    device_name = models.CharField(max_length=100, blank=True, default="")
    user_agent = models.CharField(max_length=400, blank=True, default="")
    fingerprint = models.CharField(max_length=32, blank=True, default="", help_text=_("Identifies the device."))
    ip = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text=_("The session ends then, even if it is used."))
    reauthenticated_at = models.DateTimeField(null=True, help_text=_("When the owner last re-authenticated."))
    mfa_passed_at = models.DateTimeField(
        null=True, help_text=_("When the owner last passed two-factor authentication.")
    )
    amr = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=_("How the owner last authenticated: values of RFC 8176, separated by spaces."),
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, blank=True, default="", choices=EndReason)

    # Set for a request with an access token: the cached session that this one is a copy of, and the token.
    copy_of: "Session | None" = None
    access_token: Any = None

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [
            models.Index(fields=["user", "-last_used_at"], name="accounts_session_of_user"),
            models.Index(fields=["expires_at"], name="accounts_session_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.device_name or self.user_agent}"

    def is_open(self, now: datetime) -> bool:
        """Return whether the session has neither ended nor expired and the account is open."""
        is_live = self.ended_at is None and self.expires_at > now
        return is_live and self.user.is_active and self.user.locked_at is None


class RefreshTokenQuerySet(models.QuerySet["RefreshToken"]):
    """Refresh tokens."""

    def with_digest(self, digest: str) -> Self:
        """Filter the token with this digest, and select its session and user."""
        return self.filter(digest=digest).select_related("session__user")

    def expired(self, time: datetime) -> Self:
        """Filter tokens that expired before `time`."""
        return self.filter(expires_at__lt=time)

    def after(self, pk: int) -> Self:
        """Filter the token that the token `pk` was exchanged for."""
        return self.filter(predecessor=pk)

    def consume(self, pk: int, now: datetime, *, successor_ciphertext: str) -> bool:
        """Consume one token; return False if it was consumed before. Safe under concurrency."""
        connection = connections[DEFAULT_DB_ALIAS]
        values = [connection.ops.adapt_datetimefield_value(now), successor_ciphertext, pk]
        with connection.cursor() as cursor:
            cursor.execute(CONSUME.format(table=connection.ops.quote_name(self.model._meta.db_table)), values)
            return bool(cursor.rowcount == 1)


class RefreshToken(models.Model):
    """A refresh token of a session. Only its digest is stored."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="refresh_tokens")
    digest = models.CharField(max_length=64, unique=True)
    kid = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text=_("The key that signed it; empty for tokens from before this column existed."),
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
        help_text=_("The token that was exchanged for this one."),
    )
    successor_ciphertext = models.TextField(
        blank=True,
        default="",
        help_text=_("The next pair of tokens, encrypted with this token, for REFRESH_GRACE_SECONDS."),
    )

    objects = RefreshTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.session_id} {self.created_at:%Y-%m-%d %H:%M}"
