"""Accounts in Django's admin: what staff change goes through the services, what is history is shown alone."""

from copy import copy
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.models import SecondFactorReset, SecurityEvent, Session, User
from accounts.services import factors, password_change, second_factor_resets, sessions, user_changes, users
from accounts.services.user_changes import UserChanges
from foodfleet.core.admin_forms import SavedByService, show
from foodfleet.core.admin_links import LinksAsAllowed
from foodfleet.core.admin_lists import FilteredAsOffered, SearchedByText
from foodfleet.core.clients import Client, client_of
from foodfleet.core.exceptions import ConflictException, ForbiddenException, NotFoundException, ValidationException
from rbac.models import Role

PASSWORD_FIELDS = {"password": "password1", "new_password": "password1"}  # as services call them, and forms
OF_A_USER = ("user__id__exact",)  # how a user's page asks other lists for theirs
CHANGEABLE = frozenset(UserChanges.__dataclass_fields__)


class ReadOnlyAdmin(LinksAsAllowed, SearchedByText, FilteredAsOffered):
    """Rows that are looked at."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    linked_lookups = OF_A_USER
    list_select_related: ClassVar[tuple[str, ...]] = ("user",)  # type: ignore[misc]
    search_fields = ("user__search_text",)
    raw_id_fields = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StaffPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Django's own form for a new password, saved by the service that keeps history, ends sessions and tells."""

    actor: Any = None
    client = Client()

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        new = self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        try:
            password_change.replace_for(user=self.user, new=new, actor=self.actor, client=self.client)
        except (ForbiddenException, ValidationException) as refusal:
            show(self, refusal, PASSWORD_FIELDS)

    def save(self, commit: bool = True) -> User:
        """The service saved it."""
        user: User = self.user
        return user


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """Django's form, which also offers to leave the password to its owner."""

    usable_password = forms.ChoiceField(
        label=_("First password"),
        choices=[("true", _("Set it here")), ("false", _("Invite the owner by mail to choose one"))],
        initial="true",
        required=False,
        widget=forms.RadioSelect(attrs={"class": "radiolist inline"}),
    )


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


class RoleFilter(admin.SimpleListFilter):
    """Who holds a role, wherever."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Role.objects.live().order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.holding_role(self.value(), timezone.now()) if self.value() else queryset


@admin.register(User)
class UserAdmin(SavedByService, SearchedByText, FilteredAsOffered, DjangoUserAdmin):  # type: ignore[type-arg]
    """Users, with Django's own password forms."""

    refusals = (ConflictException, ValidationException)
    beside = PASSWORD_FIELDS
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_display = ("email", "full_name", "is_active", "sign_in", "is_staff", "role_names", "last_login")
    list_filter = ("is_active", LockedFilter, "is_staff", "is_superuser", RoleFilter)
    search_fields = ("search_text",)
    search_help_text = _("Part of the e-mail address, a name or the phone number")
    actions = ("lock", "unlock", "invite")
    filter_horizontal = ()
    readonly_fields = (
        "sign_in", "role_names", "second_factors", "history", "email_verified_at", "phone_verified_at", "locked_at",
        "invited_at", "last_login", "created_at",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("email", "password", "must_change_password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "phone", "language")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "role_names")}),
        (_("State"), {"fields": ("sign_in", "second_factors", "history", *readonly_fields[4:])}),
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
        found: QuerySet[User] = User.objects.present().with_access(timezone.now())
        return found

    # -- What is shown
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
        """The roles that the user holds, with their scopes."""
        held = {f"{one.role.name} ({one.scope})" if one.scope else one.role.name for one in user.live_assignments}
        return ", ".join(sorted(held))

    @admin.display(description=_("two-factor authentication"))
    def second_factors(self, user: User) -> str:
        """What the user can show as one."""
        return ", ".join(str(method.label) for method in factors.methods_of(user))

    @admin.display(description=_("history"))
    def history(self, user: User) -> str:
        """Where the rest about the user stands."""
        pages = [("accounts_session", _("Sessions")), ("accounts_securityevent", _("Security events"))]
        if factors.is_enabled(user) or user.second_factor_resets.exists():
            pages.append(("accounts_secondfactorreset", _("Two-factor resets")))
        rows = [
            (reverse(f"admin:{page}_changelist", query=dict.fromkeys(OF_A_USER, user.pk)), name) for page, name in pages
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', rows)

    # -- What is changed
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        kept = super().get_readonly_fields(request, obj)
        return kept if request.user.is_superuser else (*kept, "is_staff", "is_superuser")

    def carry_out(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user = form.instance
        if not change:
            new = users.NewAccount(email=user.email, password=form.cleaned_data.get("password1") or "")
            user.pk = users.create(new=new, **_by(request)).pk
        else:
            given = {name: form.cleaned_data[name] for name in form.changed_data if name in CHANGEABLE}
            user_changes.update(pk=user.pk, changes=UserChanges(**given), **_by(request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page; what the service refuses stands in its form."""
        mine = copy(self)  # the admin is shared by all threads
        mine.change_password_form = type("BoundStaffPasswordForm", (StaffPasswordForm,), _by(request))
        return super(UserAdmin, mine).user_change_password(request, id, form_url)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        users.delete(pk=obj.pk, **_by(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with transaction.atomic():
            for user in queryset:
                self.delete_model(request, user)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Who is deleted: their rows stay, emptied, so nothing protects them and nothing else goes that may not."""
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(one) for one in objs], {self.opts.verbose_name_plural: len(objs)}, missing, []

    # -- Actions
    def has_lock_permission(self, request: HttpRequest) -> bool:
        """Who may lock may unlock."""
        return request.user.has_perm("users:lock")  # type: ignore[union-attr]

    @admin.action(description=_("Lock the chosen accounts"), permissions=["lock"])
    def lock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Shut them until staff open them; their sessions end."""
        self._each(request, queryset, users.lock, _("Locked."))

    @admin.action(description=_("Unlock the chosen accounts"), permissions=["lock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Open them, whether staff or wrong passwords locked them."""
        self._each(request, queryset, users.unlock, _("Unlocked."))

    @admin.action(description=_("Invite again who has not accepted yet"), permissions=["add"])
    def invite(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Mail them a new link to choose a password."""
        self._each(request, queryset, users.invite, _("Invited."))

    def _each(self, request: HttpRequest, queryset: QuerySet[User], work: Any, done: Any) -> None:
        """Do it to each; the first refusal calls all of it off."""
        with transaction.atomic():
            for pk in queryset.values_list("pk", flat=True):
                work(pk=pk, **_by(request))
        self.message_user(request, done)


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": request.user, "client": client_of(request)}


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Sign-ins, which can be ended."""

    list_display = ("user", "device_name", "ip", "created_at", "last_used_at", "ended_at", "end_reason")
    fields = (
        "user", "device_name", "user_agent", "ip", "created_at", "last_used_at", "expires_at", "ended_at", "end_reason",
    )  # fmt: skip
    ordering = ("-last_used_at",)
    actions = ("end",)

    @admin.action(description=_("End the chosen sessions"))
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Sign these devices out."""
        if not request.user.has_perm("users:lock"):  # type: ignore[union-attr]
            self.message_user(request, _("You are not allowed to do this."), messages.ERROR)
            return
        for session in queryset:
            sessions.end_by_staff(session=session, actor=request.user, client=client_of(request))  # type: ignore[arg-type]
        self.message_user(request, _("The sessions were ended."))


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ("created_at", "kind", "user", "actor", "ip", "request_id")
    list_select_related = ("user", "actor")
    list_filter = ("kind",)
    ordering = ("-created_at",)


@admin.register(SecondFactorReset)
class SecondFactorResetAdmin(SavedByService, SearchedByText, FilteredAsOffered):
    """Second factors that were lost: asked for here by one, approved by another, carried out a day later."""

    refusals = (ConflictException, ForbiddenException, NotFoundException)
    linked_lookups = OF_A_USER
    list_display = ("user", "reason", "requested_by", "requested_at", "approved_by", "effective_at", "state")
    list_select_related = ("user", "requested_by", "approved_by")
    search_fields = ("user__search_text",)
    raw_id_fields = ("user",)
    ordering = ("-requested_at",)
    actions = ("approve", "call_off")

    @admin.display(description=_("state"))
    def state(self, reset: SecondFactorReset) -> str:
        """How far it is."""
        if reset.done_at or reset.cancelled_at:
            return str(_("done") if reset.done_at else _("cancelled"))
        return str(_("waits for its day to pass") if reset.approved_by_id else _("waits for a second person"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("user", "reason") if obj is None else (*self.list_display[:-1], "cancelled_at", "done_at", "state")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_reset_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_reset_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_reset_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Who may ask may approve what others asked for, and call off."""
        return request.user.has_perm("users:reset_2fa")  # type: ignore[union-attr]

    def carry_out(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        wish = form.cleaned_data
        asked = second_factor_resets.request(user_id=wish["user"].pk, reason=wish["reason"], **_by(request))
        form.instance.pk = asked.pk

    @admin.action(description=_("Approve"), permissions=["reset"])
    def approve(self, request: HttpRequest, queryset: QuerySet[SecondFactorReset]) -> None:
        """Let them take their course: their owners are told, and have a day to stop it."""
        self._each(request, queryset, second_factor_resets.approve, _("Approved. The owners were told."))

    @admin.action(description=_("Cancel"), permissions=["reset"])
    def call_off(self, request: HttpRequest, queryset: QuerySet[SecondFactorReset]) -> None:
        """Nothing happens then."""
        self._each(request, queryset, second_factor_resets.call_off, _("Cancelled."))

    def _each(self, request: HttpRequest, queryset: QuerySet[SecondFactorReset], work: Any, done: Any) -> None:
        with transaction.atomic():
            for pk in queryset.values_list("pk", flat=True):
                work(reset_id=pk, **_by(request))
        self.message_user(request, done)
