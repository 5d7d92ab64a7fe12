"""Who has an account."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth import models as auth_models
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.querysets import SEARCHED, UserManager
from foodfleet.core.email_addresses import normalize_email, validate_mailable
from foodfleet.core.names import LONGEST_NAME, validate_name
from foodfleet.core.typed_text import normalize_password, searchable

no_nul = ProhibitNullCharactersValidator()
E164 = RegexValidator(r"^\+[1-9][0-9]{6,14}\Z", _("Give the number with its country code, such as +4915123456789."))


class User(AbstractBaseUser):
    """A person or program that signs in by e-mail address. What it may do comes from roles alone (app rbac)."""

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
        _("superuser"), default=False, help_text=_("Has every permission without being given any.")
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
        help_text=_("Personal data is gone since then; the row stays as the pseudonym that audit rows name."),
    )
    search_text = models.TextField(editable=False, default="", db_default="", help_text=_("What search reads."))
    # What the search by prefix of earlier releases reads: PostgreSQL uses an index for LIKE 'ann%' on these alone.
    first_name_lower = models.GeneratedField(
        expression=Lower("first_name"), output_field=models.CharField(max_length=150), db_persist=True
    )
    last_name_lower = models.GeneratedField(
        expression=Lower("last_name"), output_field=models.CharField(max_length=150), db_persist=True
    )

    acting_session: UUID | None = None  # the session of the request that this user sends; None outside of requests

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
            models.Index(fields=["created_at", "id"], name="accounts_user_by_creation"),
            models.Index(fields=["last_name", "id"], name="accounts_user_by_last_name"),
            models.Index(fields=["id"], condition=models.Q(is_active=False), name="accounts_user_inactive"),
            models.Index(fields=["id"], condition=models.Q(locked_at__isnull=False), name="accounts_user_locked"),
            models.Index(fields=["id"], condition=models.Q(is_superuser=True), name="accounts_user_superuser"),
            models.Index(
                fields=["phone"],
                condition=models.Q(phone_verified_at__isnull=False),
                name="accounts_user_confirmed_phone",
            ),
            models.Index(
                fields=["first_name_lower"], opclasses=["varchar_pattern_ops"], name="accounts_user_first_name"
            ),
            models.Index(fields=["last_name_lower"], opclasses=["varchar_pattern_ops"], name="accounts_user_last_name"),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = normalize_email(self.email)
        saved = kwargs.get("update_fields")
        if saved is None or SEARCHED & set(saved):
            self.search_text = self.searchable_text()
            kwargs["update_fields"] = None if saved is None else {*saved, "search_text"}
        with transaction.atomic():  # what hears of the change (`post_save`) belongs to it
            super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else normalize_password(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password: normalised or, for hashes from before that, as it was typed."""
        plain = None if raw_password is None else normalize_password(raw_password)
        return super().check_password(plain) or (plain != raw_password and super().check_password(raw_password))

    def searchable_text(self) -> str:
        """What `search_text` should be; kept so by `save` and by the QuerySet."""
        return searchable(self.email, self.first_name, self.last_name, self.phone)

    @property
    def is_email_verified(self) -> bool:
        """Whether the owner proved that the address is theirs."""
        return self.email_verified_at is not None

    @property
    def greeting_name(self) -> str:
        """The name for mails: '' until the address is confirmed, because a stranger may have chosen both."""
        return self.first_name if self.is_email_verified else ""

    def can_act(self, session_id: UUID | None) -> bool:
        """Whether the account is open and, where the request belongs to a session, that session has not ended."""
        if not self.is_active or self.locked_at is not None or self.deleted_at is not None:
            return False
        sessions: Any = self.sessions  # type: ignore[attr-defined]
        return session_id is None or bool(sessions.live(timezone.now()).filter(pk=session_id).exists())

    def get_full_name(self) -> str:
        """First and last name, or '' where neither is known."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """What to call them in a greeting."""
        return self.first_name or self.email.partition("@")[0]

    # What Django's admin, templates and the REST framework ask; the authentication backends answer.
    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """All permissions in Django's form, `accounts.view_user`."""
        return set(auth_models._user_get_permissions(self, obj, "all"))  # type: ignore[attr-defined]

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether the user holds `perm` (`users:read` or `accounts.view_user`), in scope `obj` where one is given."""
        if self.is_active and self.is_superuser:
            return True
        return bool(auth_models._user_has_perm(self, perm, obj))  # type: ignore[attr-defined]

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Whether the user holds all of them."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the user holds any permission of the app."""
        if self.is_active and self.is_superuser:
            return True
        return bool(auth_models._user_has_module_perms(self, app_label))  # type: ignore[attr-defined]
