"""Service accounts, and the API keys that programs authenticate with."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Max, OuterRef, Prefetch, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from foodfleet.core.database.search import matching
from rbac.models import RoleAssignment


class ServiceAccountQuerySet(models.QuerySet["ServiceAccount"]):
    """Service accounts."""

    def present(self) -> Self:
        """Filter service accounts that are not deleted, and select their users and owners."""
        return self.filter(user__deleted_at__isnull=True).select_related("user", "owner")

    def search(self, text: str) -> Self:
        """Filter service accounts whose name and description contain each word."""
        return matching(self, text, "user__first_name", "description")

    def with_roles(self, now: datetime) -> Self:
        """Prefetch `user.live_assignments` with their roles."""
        assignments = RoleAssignment.objects.live(now).select_related("role")
        return self.prefetch_related(
            Prefetch("user__role_assignments", queryset=assignments, to_attr="live_assignments")
        )

    def with_last_use(self) -> Self:
        """Annotate `last_used_at`: when one of its keys was last used."""
        keys = ApiKey.objects.filter(user=OuterRef("pk")).order_by()
        return self.annotate(
            last_used_at=Subquery(keys.values("user").annotate(last=Max("last_used_at")).values("last"))
        )


class ServiceAccount(models.Model):
    """The account of a program: a user without password and e-mail sign-in. Its first name is the account's name."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="service_account")
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    owner = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned_service_accounts",
        verbose_name=_("owner"),
        help_text=_("The person responsible for it."),
    )

    objects = ServiceAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("service account")
        verbose_name_plural = _("service accounts")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name of the account."""
        return self.user.first_name

    @property
    def is_active(self) -> bool:
        """Whether its keys may be used."""
        return self.user.is_active


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """API keys."""

    def of(self, user_id: int) -> Self:
        """Filter keys of one user."""
        return self.filter(user=user_id)

    def unrevoked(self) -> Self:
        """Filter keys that are not revoked; they may have expired."""
        return self.filter(revoked_at__isnull=True)

    def live(self, now: datetime) -> Self:
        """Filter keys that are neither revoked nor expired."""
        return self.unrevoked().filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))

    def usable(self, now: datetime) -> Self:
        """Filter live keys whose user's account is open, and select the user."""
        open_account = self.filter(user__is_active=True, user__locked_at__isnull=True, user__deleted_at__isnull=True)
        return open_account.live(now).select_related("user")

    def with_prefix(self, prefix: str) -> Self:
        """Filter the key with this prefix."""
        return self.filter(prefix=prefix)

    def revoke(self, now: datetime) -> int:
        """Revoke the keys; return how many were not revoked before."""
        return self.unrevoked().update(revoked_at=now)

    def record_use(self, pk: uuid.UUID, now: datetime) -> bool:
        """Store the time of a use; return whether it is the first."""
        if self.filter(pk=pk, last_used_at__isnull=True).update(last_used_at=now):
            return True
        self.filter(pk=pk, last_used_at__lt=now).update(last_used_at=now)
        return False

    def revoked_or_expired_before(self, time: datetime) -> Self:
        """Filter keys that were revoked or expired before `time`."""
        return self.filter(Q(revoked_at__lt=time) | Q(expires_at__lt=time))


class ApiKey(models.Model):
    """A key of a service account or a person. Only the digest of the whole key is stored.

    Its id is used in place of a session id in `User.acting_session`, security events and access tokens.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    permissions = models.JSONField(
        _("permissions"),
        null=True,
        blank=True,
        help_text=_("Limit to these permissions of the account; null: no limit."),
    )
    allowed_networks = models.JSONField(
        _("allowed networks"),
        default=list,
        blank=True,
        help_text=_("Networks it may be used from; empty: any."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    objects: ClassVar[Any] = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="accounts_api_key_of_user")]

    def __str__(self) -> str:
        return f"{self.name} (ffk_{self.prefix}_…)"

    @property
    def is_live(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class RevokedTokenQuerySet(models.QuerySet["RevokedToken"]):
    """Revoked access tokens."""

    def expired(self, now: datetime) -> Self:
        """Filter tokens that have expired: they are rejected without a row too."""
        return self.filter(expires_at__lt=now)


class RevokedToken(models.Model):
    """An access token of a program that was revoked before it expired. A person's token ends with the session."""

    jti = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = RevokedTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return self.jti
