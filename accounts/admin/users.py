"""Users in the admin. Services make all changes."""

from copy import copy
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from accounts.admin import user_overview
from accounts.admin.attributes import AttributesAdmin
from accounts.admin.shared import EmptiedRowsAdmin, by
from accounts.admin.user_actions import UserActionsAdmin
from accounts.admin.user_files import UserFilesAdmin
from accounts.admin.user_filters import (
    InvitedFilter,
    LastSeenFilter,
    LockedFilter,
    MFAFilter,
    RoleFilter,
    ScopeFilter,
    ServiceAccountFilter,
)
from accounts.admin.user_roles import UserRolesAdmin
from accounts.models import User
from accounts.models.users import signed_in_user
from accounts.services.account import password_change
from accounts.services.staff import changes as staff_changes
from accounts.services.staff import users, view_as
from accounts.services.staff.changes import UserChanges
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.filters import TypedFiltersAdmin
from foodfleet.core.admin.forms import ServiceAdmin, ServiceForm
from foodfleet.core.admin.lists import CappedPaginator, RestrictedFiltersAdmin, TextSearchAdmin
from foodfleet.core.exceptions import ConflictException, ForbiddenException, ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.http.form_errors import add_errors
from rbac.admin.scopes import ScopedAdmin
from rbac.models import ScopeMembership

# Names of fields in services, and in the forms.
PASSWORD_FIELDS = {"password": "password1", "new_password": "password1"}
CHANGEABLE = frozenset(UserChanges.__dataclass_fields__)


class StaffPasswordForm(AdminPasswordChangeForm):
    """Django's form for a new password, saved by the service."""

    def __init__(self, *args: Any, actor: User, client: Client, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor, self.client = actor, client

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if not self.errors:
            self._save_by_service()
        return cleaned

    def _save_by_service(self) -> None:
        new = self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        try:
            password_change.replace_for(user=self.user, new=new, actor=self.actor, client=self.client)
        except (ForbiddenException, ValidationException) as error:
            add_errors(self, error, PASSWORD_FIELDS)

    def save(self, commit: bool = True) -> User:
        """Return the user; the service has saved the password."""
        user: User = self.user
        return user


class NewUserForm(ServiceForm, UserCreationForm):
    """Django's form, with the choice to invite the user instead of setting a password."""

    usable_password = forms.ChoiceField(
        label=_("First password"),
        choices=[("true", _("Set it here")), ("false", _("Invite the owner by mail to choose one"))],
        initial="true",
        required=False,
        widget=forms.RadioSelect(attrs={"class": "radiolist inline"}),
    )


@admin.register(User)
class UserAdmin(
    UserFilesAdmin,
    TypedFiltersAdmin,
    UserRolesAdmin,
    UserActionsAdmin,
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
    comes_first = True
    searched_everywhere = True
    form_errors = (ConflictException, ForbiddenException, ValidationException)
    error_fields = PASSWORD_FIELDS
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_display = ("person", "sign_in", "is_staff", "role_names", "last_login")
    list_filter = (
        "is_active", LockedFilter, MFAFilter, RoleFilter, ScopeFilter, LastSeenFilter, InvitedFilter, "is_staff",
        "is_superuser", ServiceAccountFilter,
    )  # fmt: skip
    search_fields = ("search_text",)
    search_help_text = _("Part of the e-mail address, a name or the phone number")
    paginator = CappedPaginator
    filter_horizontal = ()
    readonly_fields = (
        "password_state", "scopes", "email_verified_at", "phone_verified_at", "locked_at", "deletion_due_at",
        "invited_at", "last_login", "created_at",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("email", "password_state", "must_change_password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "phone", "language")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "scopes")}),
        (_("State"), {"fields": readonly_fields[2:]}),
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

    def get_ordering(self, request: HttpRequest) -> Any:
        """Order by the last sign-in if the list is filtered by it, because its index has the rows in this order."""
        by_sign_in = request.GET.get(LastSeenFilter.parameter_name) in LastSeenFilter.WITH_TIME
        return ("-last_login", "-id") if by_sign_in else super().get_ordering(request)

    def found_as(self, row: User) -> str:
        return " · ".join(part for part in (row.get_full_name(), row.email) if part)

    # -- Columns and read-only fields
    @admin.display(description=_("person"), ordering="last_name")
    def person(self, user: User) -> str:
        """Return initials, name and, below it, e-mail address."""
        name = user.get_full_name()
        initials = "".join(part[0] for part in (user.first_name, user.last_name) if part) or user.email[0]
        address = user.email if name and not user.is_service_account else ""
        return render_to_string(
            "admin/accounts/person.html", {"initials": initials, "name": name or user.email, "address": address}
        )

    @admin.display(description=_("sign-in"))
    def sign_in(self, user: User) -> str:
        """Return whether the user can sign in, or why not."""
        state = user_overview.state_of(user)
        if state.label:
            return format_html('<span class="tag {}">{}</span>', state.tone, state.label)
        return "-" if user.is_service_account else str(_("OK"))

    @admin.display(description=_("roles"))
    def role_names(self, user: Any) -> str:
        """Return the user's roles with their scopes."""
        names = {f"{one.role.name} ({one.scope})" if one.scope else one.role.name for one in user.live_assignments}
        return ", ".join(sorted(names))

    @admin.display(description=_("scopes"))
    def scopes(self, user: User) -> str:
        """Return the scopes that the user belongs to."""
        rows = ScopeMembership.objects.select_related("scope").order_by("scope")
        # Prefetched, because the form calls this several times.
        prefetch_related_objects([user], Prefetch("scope_memberships", rows))
        return ", ".join(str(one.scope) for one in user.scope_memberships.all())

    @admin.display(description=_("password"))
    def password_state(self, user: User) -> str:
        """Return whether a password is set."""
        return str(_("Set") if user.has_usable_password() else _("Not set"))

    @admin.display(description=_("password"))
    def password_link(self, user: User) -> str:
        """Return whether a password is set, with a link to the form, which is for superusers."""
        return format_html('{} · <a href="../password/">{}</a>', self.password_state(user), _("Set a password"))

    # -- The page of one user
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the state of the user, the possible actions and the sections above the form."""
        user: Any = self.get_object(request, object_id)
        may_view = user is not None and self.has_view_permission(request, user)
        context = self._user_context(request, user) if may_view else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _user_context(self, request: HttpRequest, user: User) -> dict[str, Any]:
        reason = self._why_not_changeable(request, user)
        actions: Any = {} if reason or user.is_service_account else self.get_actions(request)
        return {
            "person": self.person(user),
            "state": user_overview.state_of(user, request.user),
            "why_not_changeable": reason if super().has_change_permission(request) else "",
            "buttons": [(name, title) for _action, name, title in actions.values() if self._is_useful(name, user)],
            "view_as": ""
            if view_as.why_not_allowed(signed_in_user(request), user)
            else reverse("view_as", args=[user.pk]),
            "sections": user_overview.sections(request, user),
            **self.roles_context(request, user),
        }

    @staticmethod
    def _is_useful(name: str, user: User) -> bool:
        """Return whether the button of an action is useful in the current state of the user."""
        is_unverified = not user.is_email_verified
        useful: dict[str, bool] = {
            "delete_selected": False,
            "assign_role": False,  # the section of roles has a form for it
            "lock": user.locked_at is None,
            "unlock": user.is_locked,
            "invite": is_unverified and user.invited_at is not None,
            "resend_verification": is_unverified and user.invited_at is None,
            "send_password_link": not is_unverified or user.invited_at is not None,
        }
        return useful.get(name, True)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False also for a user with more power than the actor: the service would refuse the change."""
        return super().has_change_permission(request, obj) and self._is_changeable(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_changeable(request, obj)

    def _is_changeable(self, request: HttpRequest, user: User | None) -> bool:
        return user is None or not self._why_not_changeable(request, user)

    def _why_not_changeable(self, request: HttpRequest, user: User) -> str:
        """Return why the member of staff may not change the account, or ''. Computed once in a request."""
        known: dict[int, str] = request.__dict__.setdefault("admin_why_not_changeable", {})
        if user.pk not in known:
            known[user.pk] = user_overview.why_not_changeable(signed_in_user(request), user)
        return known[user.pk]

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
        """Respond with 403 and the submitted form if the service forbids the change."""
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
        """Show Django's page for a new password to superusers. Its form shows errors of the service."""
        if not request.user.is_superuser:
            raise PermissionDenied
        own: Any = copy(self)  # because all threads share the admin
        own.change_password_form = partial(StaffPasswordForm, **by(request))
        return super(UserAdmin, own).user_change_password(request, id, form_url)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        users.delete(pk=obj.pk, **by(request))
