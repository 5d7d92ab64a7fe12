"""User accounts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from django.contrib.auth import get_backends
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import models as accounts_models
from accounts.models.directory import DirectoryQuerySet
from foodfleet.core.cache import coherent
from foodfleet.core.email_addresses import normalize_email, validate_mailable
from foodfleet.core.names import LONGEST_NAME, validate_name
from foodfleet.core.phone_numbers import E164
from foodfleet.core.typed_text import normalize_password, searchable

no_nul = ProhibitNullCharactersValidator()


SEARCHED = frozenset({"email", "first_name", "last_name", "phone"})  # the fields in `search_text`
NOT_CACHED = {"last_login"}  # changes with every sign-in, and no reader of the cache needs it
BATCH = 500  # rows of one UPDATE
SIGNING_KEYS = "signing-keys"  # cache key that the revocation of a signing key invalidates


def cache_key(user_id: int | str) -> str:
    """Return the cache key of a user and their sessions."""
    return f"user:{user_id}"


class UserQuerySet(DirectoryQuerySet):
    """Users."""

    def record_sign_in(self, user: "User", now: datetime) -> bool:
        """Record a sign-in; return False if the account was closed or its password changed since `user` was read."""
        return bool(self.unchanged(user).update(last_login=now) == 1)

    def unchanged(self, user: "User") -> Self:
        """Filter the user if the account is open and its password has not changed since `user` was read."""
        return self.filter(pk=user.pk, password=user.password, is_active=True, locked_at__isnull=True)

    def update(self, **values: Any) -> int:
        """Update as Django does, and also update `search_text` and invalidate the cached data of these users."""
        if values.keys() <= NOT_CACHED:
            return super().update(**values)
        with transaction.atomic(using=self.db):
            pks = list(self.values_list("pk", flat=True))
            count = super().update(**values)
            if SEARCHED & values.keys():
                self._write_search_text(pks)
            coherent.invalidate(*map(cache_key, pks))
        return count

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Create as Django does, and also set `search_text`."""
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

    def with_email(self, email: str) -> Self:
        """Filter the person with this address, in any case and Unicode form. Service accounts have no real address."""
        return self.filter(email=normalize_email(email), is_service_account=False)

    def with_emails(self, emails: Sequence[str]) -> Self:
        """Filter users with these addresses, which must be results of `normalize_email`."""
        return self.filter(email__in=emails)

    def with_sign_in_history(self, *, address: str, device: str, fingerprint: str) -> Self:
        """Annotate `has_mfa`, `signed_in_before`, `known_device_id` and `is_known_device`.

        `address` and `device` are digests, as in KnownDevice; `device` is '' for a client without a device id.
        `known_device_id` is the pk of the device's row. `is_known_device` is also true for a device without a row whose
        fingerprint an earlier session has.
        """
        sessions = accounts_models.Session.objects.filter(user=OuterRef("pk"))
        known = Subquery(accounts_models.KnownDevice.objects.at(address, device).values("pk"))
        ever = models.Q(last_login__isnull=False)  # not from sessions, because the purge removes old ones
        return self.annotate(
            signed_in_before=models.ExpressionWrapper(ever, output_field=models.BooleanField()),
            known_device_id=known,
            is_known_device=models.Q(known_device_id__isnull=False) | Exists(sessions.filter(fingerprint=fingerprint)),
            has_mfa=self._has_mfa(),
        )

    def with_mfa(self) -> Self:
        """Filter users who have an authenticator app or a passkey."""
        # By subqueries on the methods and not by Exists for each user, because users with MFA may be few.
        apps = accounts_models.TOTPDevice.objects.confirmed().order_by().values("user")
        passkeys = accounts_models.Passkey.objects.order_by().values("user")
        return self.filter(pk__in=apps.union(passkeys))

    def without_mfa(self) -> Self:
        """Filter users who have neither an authenticator app nor a passkey."""
        return self.exclude(self._has_mfa())

    def _has_mfa(self) -> models.Q:
        app = Exists(accounts_models.TOTPDevice.objects.confirmed().filter(user=OuterRef("pk")))
        return app | Exists(accounts_models.Passkey.objects.filter(user=OuterRef("pk")))

    def superusers(self) -> Self:
        """Filter active superusers."""
        return self.filter(is_superuser=True, is_active=True)

    def reachable(self) -> Self:
        """Filter active users who confirmed their address or were invited: they may get a link to choose a password."""
        vouched_for = models.Q(email_verified_at__isnull=False) | models.Q(invited_at__isnull=False)
        return self.filter(vouched_for, is_active=True, deleted_at__isnull=True, is_service_account=False)

    def unverified(self) -> Self:
        """Filter users with an unconfirmed address who are not staff and whom staff did not invite."""
        people = self.filter(is_service_account=False, is_staff=False, is_superuser=False)
        return people.filter(email_verified_at__isnull=True, invited_at__isnull=True)

    def unclaimed(self) -> Self:
        """Filter unverified accounts that nobody has signed in to: another account may take their address."""
        return self.unverified().filter(last_login__isnull=True)

    def claimed(self) -> Self:
        """Filter users whose address no other account may take."""
        return self.exclude(pk__in=self.unclaimed().values("pk"))

    def deletion_due(self, now: datetime) -> Self:
        """Filter accounts to be deleted by `now` at their owner's request, earliest first."""
        return self.filter(deletion_due_at__lte=now, deleted_at__isnull=True).order_by("deletion_due_at")

    def to_remind_of_deletion(self, before: datetime) -> Self:
        """Filter accounts to be deleted by `before` whose owner has not been reminded."""
        return self.deletion_due(before).filter(deletion_reminded=False)

    def get_for_update(self, pk: int) -> "User":
        """Read the user again and lock the row until the transaction ends."""
        return self.select_for_update().get(pk=pk)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Creates users as Django's commands expect."""

    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.get_queryset().with_email(username or "").get()
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user. Without a password, nobody can sign in until one is chosen."""
        user: User = self.model(email=normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db, force_insert=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a superuser. The address counts as confirmed, because the operator vouches for it."""
        fields.setdefault("email_verified_at", timezone.now())
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser):
    """A person who signs in by e-mail address, or a program (service account). Roles give permissions (app rbac)."""

    email = models.EmailField(_("e-mail address"), max_length=254, unique=True, validators=[no_nul, validate_mailable])
    first_name = models.CharField(
        _("first name"), max_length=LONGEST_NAME, blank=True, default="", validators=[validate_name]
    )
    last_name = models.CharField(
        _("last name"), max_length=LONGEST_NAME, blank=True, default="", validators=[validate_name]
    )
    phone = models.CharField(_("phone"), max_length=16, blank=True, default="", validators=[E164])
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    email_verified_at = models.DateTimeField(_("e-mail confirmed"), null=True, blank=True)
    phone_verified_at = models.DateTimeField(_("phone confirmed"), null=True, blank=True)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Switch this off instead of deleting an account.")
    )
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May enter the admin."))
    is_superuser = models.BooleanField(
        _("superuser"), default=False, help_text=_("Has every permission without any role.")
    )
    is_service_account = models.BooleanField(
        _("service account"), default=False, db_default=False, editable=False, help_text=_("A program, not a person.")
    )
    locked_at = models.DateTimeField(
        _("locked"), null=True, blank=True, editable=False, help_text=_("By staff, until they unlock it.")
    )
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    invited_at = models.DateTimeField(_("invited"), null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(
        _("deleted"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When personal data was removed. The row remains because audit rows refer to it."),
    )
    attributes = models.JSONField(
        _("attributes"), blank=True, default=dict, db_default={}, help_text=_("As USER_ATTRIBUTES describes them.")
    )
    deletion_due_at = models.DateTimeField(
        _("deletion"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the account will be deleted, as its owner requested."),
    )
    deletion_reminded = models.BooleanField(default=False, db_default=False, editable=False)
    search_text = models.TextField(
        editable=False, default="", db_default="", help_text=_("The text that search looks in.")
    )

    locked_until: datetime | None = None  # end of the lock by wrong passwords; set by `objects.with_locks`
    role_ids: str | None = None  # set by `objects.with_role_ids`
    acting_session: UUID | None = None  # id of the session or API key of the current request; None outside of requests
    acting_permissions: frozenset[str] | None = None  # the limit of the current request's API key; None: no limit

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email_once_in_any_case",
                violation_error_message=_("There is an account with this e-mail address already."),
            )
        ]
        indexes = [
            GinIndex(fields=["search_text"], opclasses=["gin_trgm_ops"], name="accounts_user_search"),
            GinIndex(fields=["attributes"], opclasses=["jsonb_path_ops"], name="accounts_user_attributes"),
            models.Index(fields=["created_at", "id"], name="accounts_user_by_creation"),
            models.Index(fields=["last_name", "id"], name="accounts_user_by_last_name"),
            models.Index(fields=["id"], condition=models.Q(is_active=False), name="accounts_user_inactive"),
            models.Index(fields=["id"], condition=models.Q(locked_at__isnull=False), name="accounts_user_locked"),
            models.Index(
                fields=["deletion_due_at"],
                condition=models.Q(deletion_due_at__isnull=False),
                name="accounts_user_deletion_due",
            ),
            models.Index(fields=["id"], condition=models.Q(is_superuser=True), name="accounts_user_superuser"),
            models.Index(fields=["id"], condition=models.Q(is_staff=True), name="accounts_user_staff"),
            models.Index(fields=["last_login"], name="accounts_user_last_login"),
            models.Index(
                fields=["id"],
                condition=models.Q(invited_at__isnull=False, email_verified_at__isnull=True),
                name="accounts_user_invited",
            ),
            models.Index(
                fields=["phone"],
                condition=models.Q(phone_verified_at__isnull=False),
                name="accounts_user_confirmed_phone",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = normalize_email(self.email)
        saved = kwargs.get("update_fields")
        if saved is None or SEARCHED & set(saved):
            self.search_text = self.searchable_text()
            kwargs["update_fields"] = None if saved is None else {*saved, "search_text"}
        with transaction.atomic():  # includes the receivers of `post_save`
            super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else normalize_password(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether this is the user's password.

        It is compared as normalised and then as typed, because older hashes were made without normalisation.
        """
        plain = None if raw_password is None else normalize_password(raw_password)
        return super().check_password(plain) or (plain != raw_password and super().check_password(raw_password))

    def searchable_text(self) -> str:
        """Return the value for `search_text`, which `save` and the QuerySet keep up to date."""
        return searchable(self.email, self.first_name, self.last_name, self.phone)

    @property
    def is_email_verified(self) -> bool:
        """Whether the owner confirmed the address."""
        return self.email_verified_at is not None

    @property
    def is_locked(self) -> bool:
        """Whether the account is locked by staff or, if `with_locks` was used, by wrong passwords."""
        return self.locked_at is not None or self.locked_until is not None

    @property
    def greeting_name(self) -> str:
        """The name for greetings in e-mails: '' until the address is confirmed: anybody may have registered it."""
        return self.first_name if self.is_email_verified else ""

    def can_act(self, session_id: UUID | None) -> bool:
        """Return whether the account is open and the session or API key with this id, if any, is still valid."""
        if not self.is_active or self.locked_at is not None or self.deleted_at is not None:
            return False
        if session_id is None:
            return True
        now = timezone.now()
        sessions, keys = accounts_models.Session.objects.live(now), accounts_models.ApiKey.objects.live(now)
        return any(rows.filter(pk=session_id, user=self.pk).exists() for rows in (sessions, keys))

    def get_full_name(self) -> str:
        """Return first and last name, or '' if neither is known."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """Return the first name or, if it is unknown, the part of the address before the @."""
        return self.first_name or self.email.partition("@")[0]

    # The admin, templates and the REST framework call these methods, as on Django's PermissionsMixin.
    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """Return all permissions in Django's form, `accounts.view_user`."""
        return {name for backend in get_backends() for name in backend.get_all_permissions(self, obj)}

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether the user has `perm` (`users:read` or `accounts.view_user`), in the scope `obj` if given."""
        if self.is_active and self.is_superuser and self.acting_permissions is None:
            return True
        return any(backend.has_perm(self, perm, obj) for backend in get_backends())

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Return whether the user has all of them."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Return whether the user has any permission of the app."""
        if self.is_active and self.is_superuser and self.acting_permissions is None:
            return True
        backends: Any = (backend for backend in get_backends() if hasattr(backend, "has_module_perms"))
        return any(backend.has_module_perms(self, app_label) for backend in backends)


def signed_in_user(request: Any) -> User:
    """Return the user of a request in a view that requires sign-in."""
    assert isinstance(request.user, User)
    return request.user
