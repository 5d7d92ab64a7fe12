"""Accounts in Django's admin: changes go through the services."""

from copy import copy
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.forms import ActionForm, AdminPasswordChangeForm, UserCreationForm

from accounts.admin.attributes import AttributesAdmin
from accounts.admin.shared import OF_A_USER, EmptiedRowsAdmin, by
from accounts.models import User
from accounts.services.account import password_change, password_reset
from accounts.services.mfa import methods
from accounts.services.staff import changes as staff_changes
from accounts.services.staff import sessions, users
from accounts.services.staff.changes import UserChanges
from foodfleet.core.admin import history as admin_history
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin
from foodfleet.core.admin.lists import RestrictedFiltersAdmin, TextSearchAdmin
from foodfleet.core.exceptions import ConflictException, ForbiddenException, ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.http.form_errors import add_errors
from rbac.admin.scopes import ScopedAdmin
from rbac.models import Role

PASSWORD_FIELDS = {"password": "password1", "new_password": "password1"}  # the services' names and the forms'
CHANGEABLE = frozenset(UserChanges.__dataclass_fields__)


class StaffPasswordForm(AdminPasswordChangeForm):
    """Django's form for a new password, saved by the service."""

    actor: Any = None
    client = Client()

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        new = self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        try:
            password_change.replace_for(user=self.user, new=new, actor=self.actor, client=self.client)
        except (ForbiddenException, ValidationException) as error:
            add_errors(self, error, PASSWORD_FIELDS)

    def save(self, commit: bool = True) -> User:
        """Return the user; the service has saved the password."""
        user: User = self.user
        return user


class NewUserForm(UserCreationForm):
    """Django's form, with the choice to invite the user instead of setting a password."""

    usable_password = forms.ChoiceField(
        label=_("First password"),
        choices=[("true", _("Set it here")), ("false", _("Invite the owner by mail to choose one"))],
        initial="true",
        required=False,
        widget=forms.RadioSelect(attrs={"class": "radiolist inline"}),
    )


class UserActionForm(ActionForm):
    """The fields beside the choice of an action."""

    reason = forms.CharField(label=_("Reason (to lock)"), max_length=500, required=False)


class LockedFilter(admin.SimpleListFilter):
    """Whether staff or wrong passwords have locked the account."""

    title = _("locked")
    parameter_name = "locked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        if self.value() is None:
            return queryset
        return queryset.locked_out(now) if self.value() == "yes" else queryset.not_locked_out(now)


class ServiceAccountFilter(admin.SimpleListFilter):
    """Service accounts, or people."""

    title = _("service account")
    parameter_name = "service_account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() is None:
            return queryset
        return queryset.service_accounts() if self.value() == "yes" else queryset.people()


class RoleFilter(admin.SimpleListFilter):
    """Users with a role, in any scope."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Role.objects.live().order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.holding_role(self.value(), timezone.now()) if self.value() else queryset


@admin.register(User)
class UserAdmin(
    ScopedAdmin,
    AttributesAdmin,
    EmptiedRowsAdmin,
    ServiceAdmin,
    TextSearchAdmin,
    RestrictedFiltersAdmin,
    DjangoUserAdmin,  # type: ignore[type-arg]
):
    """Users, with Django's own password forms."""

    subject, icon = Subject.PEOPLE, "person"
    searched_everywhere = True
    form_errors = (ConflictException, ForbiddenException, ValidationException)
    error_fields = PASSWORD_FIELDS
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_display = ("email", "full_name", "is_active", "sign_in", "is_staff", "role_names", "last_login")
    list_filter = ("is_active", LockedFilter, "is_staff", "is_superuser", ServiceAccountFilter, RoleFilter)
    search_fields = ("search_text",)
    search_help_text = _("Part of the e-mail address, a name or the phone number")
    form = forms.ModelForm
    action_form = UserActionForm
    actions = ("lock", "unlock", "invite", "send_password_link", "end_sessions")
    filter_horizontal = ()
    readonly_fields = (
        "password_state", "sign_in", "role_names", "scopes", "mfa_methods", "history", "email_verified_at",
        "phone_verified_at", "locked_at", "deletion_due_at", "invited_at", "last_login", "created_at",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("email", "password_state", "must_change_password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "phone", "language")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "role_names", "scopes")}),
        (_("State"), {"fields": ("sign_in", "mfa_methods", "history", *readonly_fields[6:])}),
    )
    add_form = NewUserForm
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: Any = super().get_queryset(request)
        users: QuerySet[User] = found.present().with_access(timezone.now())
        return users

    def found_as(self, row: User) -> str:
        return " · ".join(part for part in (row.get_full_name(), row.email) if part)

    # -- Columns and read-only fields
    @admin.display(description=_("name"), ordering="last_name")
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

    @admin.display(description=_("sign-in"))
    def sign_in(self, user: Any) -> str:
        """Whether staff or wrong passwords have locked it, and until when."""
        if user.locked_at is not None:
            return str(_("Locked by staff"))
        if user.locked_until is not None:
            until = date_format(timezone.localtime(user.locked_until), "TIME_FORMAT")
            return str(_("Locked until %(time)s UTC") % {"time": until})
        return str(_("OK"))

    @admin.display(description=_("roles"))
    def role_names(self, user: Any) -> str:
        """The user's roles with their scopes."""
        names = {f"{one.role.name} ({one.scope})" if one.scope else one.role.name for one in user.live_assignments}
        return ", ".join(sorted(names))

    @admin.display(description=_("scopes"))
    def scopes(self, user: User) -> str:
        """The scopes that the user belongs to."""
        return ", ".join(str(one.scope) for one in user.scope_memberships.select_related("scope").order_by("scope"))

    @admin.display(description=_("two-factor authentication"))
    def mfa_methods(self, user: User) -> str:
        """The user's MFA methods."""
        return ", ".join(str(method.label) for method in methods.methods_of(user))

    @admin.display(description=_("password"))
    def password_state(self, user: User) -> str:
        """Whether a password is set."""
        return str(_("Set") if user.has_usable_password() else _("Not set"))

    @admin.display(description=_("password"))
    def password_link(self, user: User) -> str:
        """The same, with a link to the form for superusers."""
        return format_html('{} <a href="../password/">{}</a>', self.password_state(user), _("Set a password"))

    @admin.display(description=_("history"))
    def history(self, user: User) -> str:
        """Links to the lists of the user's sessions, security events and MFA resets."""
        pages = [("accounts_session", _("Sessions")), ("accounts_securityevent", _("Security events"))]
        if methods.is_enabled(user) or user.mfa_resets.exists():
            pages.append(("accounts_mfareset", _("Two-factor resets")))
        rows = [
            (reverse(f"admin:{page}_changelist", query=dict.fromkeys(OF_A_USER, user.pk)), name) for page, name in pages
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', rows)

    # -- Changes
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "password_link") if request.user.is_superuser else (*fields, "is_staff", "is_superuser")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None or not request.user.is_superuser:
            return found
        first = (found[0][0], {"fields": ("email", "password_link", "must_change_password")})
        return (first, *found[1:])

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer 403 with the form as it was sent where the service forbids the change."""
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        adminform = (getattr(response, "context_data", None) or {}).get("adminform")
        if adminform is not None and adminform.form.has_error(NON_FIELD_ERRORS, ForbiddenException.code):
            response.status_code = ForbiddenException.status_code
        return response

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user = form.instance
        if not change:
            new = users.NewAccount(email=user.email, password=form.cleaned_data.get("password1") or "")
            user.pk = users.create(new=new, **by(request)).pk
        else:
            given = {name: form.cleaned_data[name] for name in form.changed_data if name in CHANGEABLE}
            given["attributes"] = self.changed_attributes(form) or None
            staff_changes.update(pk=user.pk, changes=UserChanges(**given), **by(request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page, for superusers; the service's errors are shown in its form."""
        if not request.user.is_superuser:
            raise PermissionDenied
        mine = copy(self)  # the admin is shared by all threads
        mine.change_password_form = type("BoundStaffPasswordForm", (StaffPasswordForm,), by(request))
        return super(UserAdmin, mine).user_change_password(request, id, form_url)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        users.delete(pk=obj.pk, **by(request))

    # -- Actions
    def has_lock_permission(self, request: HttpRequest) -> bool:
        """Whether the user may lock and unlock accounts."""
        return self.may(request, "users:lock")

    @admin.action(description=_("Lock the chosen accounts"), permissions=["lock"])
    def lock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Lock the accounts until staff unlock them; their sessions end."""
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, _("Give a reason to lock an account."), messages.ERROR)
            return
        self._each(request, queryset, partial(users.lock, reason=reason), _("Locked."), because=reason)

    @admin.action(description=_("Unlock the chosen accounts"), permissions=["lock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Unlock the accounts, whether staff or wrong passwords locked them."""
        self._each(request, queryset, users.unlock, _("Unlocked."))

    @admin.action(description=_("Invite again who has not accepted yet"), permissions=["add"])
    def invite(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Send them a new link to choose a password."""
        self._each(request, queryset, users.invite, _("Invited."))

    def has_link_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send password links; not in a scope only."""
        return request.user.has_perm("users:update")  # type: ignore[union-attr]

    @admin.action(description=_("Send a link to choose a password"), permissions=["link"])
    def send_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Send them a link to choose a password, which staff never learn."""
        self._each(request, queryset, password_reset.mail_link_for, _("Password link sent."))

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whether the user may end sessions."""
        return request.user.has_perm(sessions.PERMISSION)  # type: ignore[union-attr]

    @admin.action(description=_("End all sessions"), permissions=["end"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Sign them out everywhere."""
        self._each(request, queryset, sessions.end_all, _("All sessions ended."))

    def _each(self, request: HttpRequest, queryset: QuerySet[User], work: Any, done: Any, *, because: str = "") -> None:
        """Apply the service to each user and record it; the first error rolls all of it back."""
        with transaction.atomic():
            changed = [work(pk=pk, **by(request)) for pk in queryset.values_list("pk", flat=True)]
            admin_history.record(request, changed, format_lazy("{} {}", done, because) if because else done)
        self.message_user(request, done)
