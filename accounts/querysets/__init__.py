"""Queries of accounts, by name."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.querysets.directory import DirectoryQuerySet
from foodfleet.core.cache import coherent
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.models import AppendOnlyQuerySet

if TYPE_CHECKING:
    from accounts.models import User

KEYS_STAMP = "signing-keys"  # renewed when a signing key is revoked
SEARCHED = frozenset({"email", "first_name", "last_name", "phone"})  # what `search_text` is made of
BATCH = 500
NOT_CACHED = {"last_login"}  # changes with every sign-in, and nobody who asks the cache minds


def stamp_of(user_id: Any) -> str:
    """The key under which this user and their sessions are stamped."""
    return f"user:{user_id}"


class UserQuerySet(DirectoryQuerySet):
    """Users."""

    def note_sign_in(self, user: Any, now: datetime) -> bool:
        """Write down a sign-in; False where the account was shut or has another password than `user` as it was read."""
        return bool(self.unchanged(user).update(last_login=now) == 1)

    def unchanged(self, user: Any) -> "UserQuerySet":
        """The user, if the account is open and still has the password of `user` as it was read."""
        return self.filter(pk=user.pk, password=user.password, is_active=True, locked_at__isnull=True)

    def update(self, **values: Any) -> int:
        """Django's, and no process trusts what the shared cache says of these users any more."""
        if values.keys() <= NOT_CACHED:
            return super().update(**values)
        with transaction.atomic(using=self.db):
            pks = list(self.values_list("pk", flat=True))
            count = super().update(**values)
            if SEARCHED & values.keys():
                self._write_search_text(pks)
            coherent.invalidate_shared(*map(stamp_of, pks))
        return count

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Django's, with what search reads."""
        users = list(objs)
        for user in users:
            user.search_text = user.searchable_text()
        return super().bulk_create(users, *args, **kwargs)

    def _write_search_text(self, pks: list[int]) -> None:
        plain: models.QuerySet[Any] = models.QuerySet(self.model, using=self.db)
        for start in range(0, len(pks), BATCH):
            users = list(plain.filter(pk__in=pks[start : start + BATCH]))
            for user in users:
                user.search_text = user.searchable_text()
            plain.bulk_update(users, ["search_text"])

    def with_email(self, email: str) -> "UserQuerySet":
        """The user of this address, whatever its case and Unicode form."""
        return self.filter(email=normalize_email(email))

    def with_emails(self, emails: Sequence[str]) -> "UserQuerySet":
        """The users of these addresses, each in the form of `normalize_email`."""
        return self.filter(email__in=emails)

    def recognising(self, *, address: str, device: str, fingerprint: str) -> "UserQuerySet":
        """With `has_mfa`, `signed_in_before` (ever), and `knows_device` (on this one, or one just like it).

        address, device: digests that lockout counts by.
        """
        attempts: Any = self.model._meta.get_field("login_attempts").related_model
        sessions = self.model._meta.get_field("sessions").related_model._default_manager.filter(user=OuterRef("pk"))
        known = Exists(attempts.objects.counted_on(address, device or "-"))  # "-": no digest, known to nobody
        recognised: UserQuerySet = self.annotate(
            signed_in_before=models.ExpressionWrapper(
                models.Q(last_login__isnull=False), output_field=models.BooleanField()
            ),  # sessions do not stay for ever
            knows_device=known | Exists(sessions.filter(fingerprint=fingerprint)),
            has_mfa=self._has_second_factor(),
        )
        return recognised

    def with_mfa(self) -> "UserQuerySet":
        """Those who have an authenticator app or a passkey."""
        return self.filter(self._has_second_factor())

    def _has_second_factor(self) -> Any:
        apps: Any = self.model._meta.get_field("totp_devices").related_model
        passkeys: Any = self.model._meta.get_field("passkeys").related_model
        app = Exists(apps.objects.confirmed().filter(user=OuterRef("pk")))
        return app | Exists(passkeys.objects.filter(user=OuterRef("pk")))

    def superusers(self) -> "UserQuerySet":
        """Those who may do everything and can sign in."""
        return self.filter(is_superuser=True, is_active=True)

    def reachable(self) -> "UserQuerySet":
        """Those to whose address a link that opens the account may go: it is confirmed, or staff invited it."""
        known = models.Q(email_verified_at__isnull=False) | models.Q(invited_at__isnull=False)
        return self.filter(known, is_active=True, deleted_at__isnull=True)

    def unverified(self) -> "UserQuerySet":
        """Those whose address nobody confirmed, and whom staff neither invited nor gave power."""
        return self.filter(email_verified_at__isnull=True, invited_at__isnull=True, is_staff=False, is_superuser=False)

    def unclaimed(self) -> "UserQuerySet":
        """Those whom nobody vouches for: registered by somebody who neither confirmed the address nor signed in."""
        return self.unverified().filter(last_login__isnull=True)

    def claimed(self) -> "UserQuerySet":
        """All others."""
        return self.exclude(pk__in=self.unclaimed().values("pk"))

    def get_for_update(self, pk: int) -> "User":
        """The user as the row is now, which nobody else changes until this transaction ends."""
        return self.select_for_update().get(pk=pk)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Makes users as Django's commands expect it."""

    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.get(email=normalize_email(username or ""))
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Save a user; without a password nobody can sign in to it yet."""
        user: User = self.model(email=normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db, force_insert=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Save a user who may do everything. Who can run this command vouches for the address."""
        fields.setdefault("email_verified_at", timezone.now())
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class SessionQuerySet(models.QuerySet[Any]):
    """Sign-ins."""

    def live(self, now: datetime) -> "SessionQuerySet":
        """Neither ended, nor past their absolute end, nor out of use for as long as a refresh token lasts."""
        disused = now - settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
        return self.filter(ended_at__isnull=True, expires_at__gt=now, last_used_at__gt=disused)

    def of(self, user: "User") -> "SessionQuerySet":
        """Of one user."""
        return self.filter(user=user)

    def usable(self, session_id: UUID, now: datetime) -> "SessionQuerySet":
        """The session with its user, if both may be used now."""
        open_to_user = self.filter(user__is_active=True, user__locked_at__isnull=True)
        return open_to_user.live(now).filter(pk=session_id).select_related("user")

    def with_newest_token_by(self, kid: str) -> "SessionQuerySet":
        """Those whose refresh token that serves next was signed by this key, or by one that was not recorded."""
        tokens: Any = self.model._meta.get_field("refresh_tokens").related_model
        newest = tokens.objects.filter(session=OuterRef("pk"), consumed_at__isnull=True, kid__in=[kid, ""])
        return self.filter(Exists(newest))

    def past_their_end(self, moment: datetime) -> "SessionQuerySet":
        """Those whose absolute end was before then."""
        return self.filter(expires_at__lt=moment)

    def reauthenticated_since(self, moment: datetime) -> "SessionQuerySet":
        """Those whose owner showed every factor since `moment`."""
        return self.filter(reauthenticated_at__gt=moment)

    def end(self, now: datetime, reason: str) -> int:
        """End those that have not ended; returns how many did."""
        return self.filter(ended_at__isnull=True).update(ended_at=now, end_reason=reason)


class RefreshTokenQuerySet(models.QuerySet[Any]):
    """Refresh tokens."""

    def with_digest(self, digest: str) -> "RefreshTokenQuerySet":
        """The token whose digest this is, with session and user."""
        return self.filter(digest=digest).select_related("session__user")

    def of_usable_session(self, now: datetime) -> "RefreshTokenQuerySet":
        """Those whose session has not ended, and whose user may sign in."""
        return self.filter(
            session__ended_at__isnull=True,
            session__expires_at__gt=now,
            session__user__is_active=True,
            session__user__locked_at__isnull=True,
        )

    def expired(self, moment: datetime) -> "RefreshTokenQuerySet":
        """Those that ran out before then."""
        return self.filter(expires_at__lt=moment)

    def after(self, pk: int) -> "RefreshTokenQuerySet":
        """The token that this one bought."""
        return self.filter(predecessor=pk)

    def consume(self, pk: int, now: datetime, *, successor_ciphertext: str) -> bool:
        """Consume one token; False where it was consumed before, however many try at once."""
        return (
            self.filter(pk=pk, consumed_at__isnull=True).update(
                consumed_at=now, successor_ciphertext=successor_ciphertext
            )
            == 1
        )


class OneTimeTokenQuerySet(models.QuerySet[Any]):
    """Links that serve once."""

    def usable(self, digest: str, purposes: Sequence[str], now: datetime) -> "OneTimeTokenQuerySet":
        """Neither consumed nor expired, made for one of `purposes`; with its user."""
        return self.filter(
            digest=digest, purpose__in=purposes, consumed_at__isnull=True, expires_at__gt=now
        ).select_related("user")

    def consume(self, pk: int, now: datetime) -> bool:
        """Consume one token; False where it was consumed before, however many try at once."""
        return self.filter(pk=pk, consumed_at__isnull=True).update(consumed_at=now) == 1

    def of(self, user: "User", purpose: str) -> "OneTimeTokenQuerySet":
        """Those of one user for one purpose."""
        return self.filter(user=user, purpose=purpose)

    def live(self, now: datetime) -> "OneTimeTokenQuerySet":
        """Neither consumed nor expired, the oldest first."""
        return self.filter(consumed_at__isnull=True, expires_at__gt=now).order_by("pk")

    def expired(self, now: datetime) -> "OneTimeTokenQuerySet":
        """Those that ran out."""
        return self.filter(expires_at__lte=now)

    def made_after(self, token: Any) -> "OneTimeTokenQuerySet":
        """Younger than `token`."""
        return self.filter(pk__gt=token.pk)

    def revoke(self, now: datetime) -> int:
        """Consume those that are left; returns how many."""
        return self.filter(consumed_at__isnull=True).update(consumed_at=now)


class SecurityEventQuerySet(AppendOnlyQuerySet):
    """What happened; can be read and added to."""

    def of(self, user: "User") -> "SecurityEventQuerySet":
        """What happened to one user."""
        return self.filter(user=user)

    def pseudonymise(self, user: "User") -> None:
        """Remove what tells of the person behind a deleted user; that it happened stays."""
        own = models.Q(user=user, actor__isnull=True) | models.Q(actor=user)
        models.QuerySet.update(self.filter(own), ip=None, user_agent="")
        models.QuerySet.update(self.filter(user=user), details={})

    def remove_older(self, moment: datetime, *, most: int) -> int:
        """Remove up to `most` events from before `moment`, the oldest first; returns how many. For the purge alone."""
        oldest = self.filter(created_at__lt=moment).order_by("created_at", "pk").values_list("pk", flat=True)[:most]
        return models.QuerySet.delete(self.filter(pk__in=list(oldest)))[0]
