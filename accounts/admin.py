"""Accounts in Django's admin: what staff change goes through the services, what is history is shown alone."""

from copy import copy
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from accounts.models import SecurityEvent, Session, User
from accounts.services import password_change, sessions, user_changes, users
from accounts.services.user_changes import UserChanges
from accounts.states import EndReason
from foodfleet.core.admin_forms import SavedByService
from foodfleet.core.clients import Client, client_of
from foodfleet.core.exceptions import BaseAppException, ConflictException, ValidationException

CHANGEABLE = frozenset(UserChanges.__dataclass_fields__)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that are looked at."""

    show_full_result_count = False
    list_select_related: ClassVar[tuple[str, ...]] = ("user",)  # type: ignore[misc]
    search_fields = ("user__email__startswith",)
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

    def save(self, commit: bool = True) -> User:
        new = self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        return password_change.replace_for(user=self.user, new=new, actor=self.actor, client=self.client)


@admin.register(User)
class UserAdmin(SavedByService, DjangoUserAdmin):  # type: ignore[type-arg]
    """Users, with Django's own password forms."""

    refusals = (ConflictException, ValidationException)
    beside = {"password": "password1"}
    ordering = ("-id",)
    show_full_result_count = False
    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email__startswith", "first_name_lower__startswith", "last_name_lower__startswith")
    filter_horizontal = ()
    readonly_fields = ("email_verified_at", "phone_verified_at", "locked_at", "invited_at", "last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "must_change_password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "phone", "language")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (_("State"), {"fields": readonly_fields}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: QuerySet[User] = User.objects.present()
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        kept = super().get_readonly_fields(request, obj)
        return kept if request.user.is_superuser else (*kept, "is_staff", "is_superuser")

    def carry_out(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        by: dict[str, Any] = {"actor": request.user, "client": client_of(request)}
        user = form.instance
        if not change:
            new = users.NewAccount(email=user.email, password=form.cleaned_data.get("password1") or "")
            user.pk = users.create(new=new, **by).pk
        else:
            given = {name: form.cleaned_data[name] for name in form.changed_data if name in CHANGEABLE}
            user_changes.update(pk=user.pk, changes=UserChanges(**given), **by)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page; what the service refuses is shown above it."""
        about = {"actor": request.user, "client": client_of(request)}
        mine = copy(self)  # the admin is shared by all threads
        mine.change_password_form = type("BoundStaffPasswordForm", (StaffPasswordForm,), about)
        try:
            return super(UserAdmin, mine).user_change_password(request, id, form_url)
        except BaseAppException as refusal:
            self.message_user(request, str(refusal.message), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        users.delete(pk=obj.pk, actor=request.user, client=client_of(request))  # type: ignore[arg-type]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self.delete_model(request, user)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Who is deleted: their rows stay, emptied, so nothing protects them and nothing else goes that may not."""
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(one) for one in objs], {self.opts.verbose_name_plural: len(objs)}, missing, []


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
            sessions.end(session.pk, reason=EndReason.ENDED_BY_OWNER)
        self.message_user(request, _("The sessions were ended."))


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ("created_at", "kind", "user", "actor", "ip", "request_id")
    list_select_related = ("user", "actor")
    list_filter = ("kind",)
    ordering = ("-created_at",)
