"""Actions on one or several users. Each asks for confirmation on a page that says what will happen."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.shared import by
from accounts.models import User
from accounts.services.account import password_reset
from accounts.services.staff import changes as staff_changes
from accounts.services.staff import sessions, users
from accounts.services.staff.changes import UserChanges
from foodfleet.core.admin import confirm
from foodfleet.core.admin import history as admin_history
from foodfleet.core.http.clients import Client
from rbac.admin.scope_fields import assigned_scope
from rbac.admin.scopes import ScopedAdmin
from rbac.models import Role
from rbac.services import assignments


class RoleGrantForm(confirm.ConfirmForm):
    """A role to assign, optionally in a scope and until a time."""

    role = forms.ModelChoiceField(queryset=Role.objects.none(), label=_("Role"))
    scope = forms.CharField()  # `__init__` replaces it by the scopes in which the member of staff may assign roles
    expires_at = forms.DateTimeField(
        label=_("Until (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("Empty: for good."),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.queryset = Role.objects.filter(pk__in=assignments.assignable_roles(request.user)).order_by("name")
        self.fields["scope"] = assigned_scope(request)


class UserActionsAdmin(ScopedAdmin):
    """Mixin with the actions of the list of users and of the page of a user."""

    actions = (
        "lock", "unlock", "end_sessions", "send_password_link", "require_new_password", "resend_verification", "invite",
        "assign_role",
    )  # fmt: skip

    # -- Permissions
    def has_lock_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may lock and unlock accounts."""
        return self.may(request, "users:lock")

    def has_link_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may send links. A permission in a scope does not suffice."""
        return request.user.has_perm("users:update")

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may end sessions."""
        return request.user.has_perm(sessions.PERMISSION)

    def has_assign_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may assign roles."""
        return self.may(request, assignments.PERMISSION)

    # -- Actions
    @admin.action(description=_("Lock"), permissions=["lock"])
    def lock(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Lock the accounts until staff unlock them; their sessions end."""
        form = confirm.confirmed(request, confirm.ReasonForm)
        if form is None:
            sentence = ngettext(
                "%(count)s person cannot sign in any more until staff unlock the account. All sessions end at once.",
                "%(count)s people cannot sign in any more until staff unlock the accounts. All sessions end at once.",
                queryset.count(),
            )
            return confirm.page(self, request, queryset, _counted(sentence, queryset), confirm.ReasonForm)
        reason = form.cleaned_data["reason"]
        return self._each(request, queryset, partial(users.lock, reason=reason), _("Locked."), because=reason)

    @admin.action(description=_("Unlock"), permissions=["lock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Unlock the accounts, whether staff or wrong passwords locked them."""
        sentence = ngettext(
            "%(count)s account is unlocked, whether staff or wrong passwords locked it.",
            "%(count)s accounts are unlocked, whether staff or wrong passwords locked them.",
            queryset.count(),
        )
        return confirm.ask(self, request, queryset, sentence) or self._each(
            request, queryset, users.unlock, _("Unlocked.")
        )

    @admin.action(description=_("Invite again"), permissions=["add"])
    def invite(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Mail another invitation."""
        sentence = ngettext(
            "%(count)s invited person gets another e-mail with a link to choose a password.",
            "%(count)s invited people get another e-mail with a link to choose a password.",
            queryset.count(),
        )
        return confirm.ask(self, request, queryset, sentence) or self._each(
            request, queryset, users.invite, _("Invited.")
        )

    @admin.action(description=_("Send a link to choose a password"), permissions=["link"])
    def send_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Mail a link to choose a password."""
        sentence = ngettext(
            "%(count)s person gets an e-mail with a link to choose a password. Until then the current password works.",
            "%(count)s people get an e-mail with a link to choose a password. Until then the current passwords work.",
            queryset.count(),
        )
        return confirm.ask(self, request, queryset, sentence) or self._each(
            request, queryset, password_reset.mail_link_for, _("Password link sent.")
        )

    @admin.action(description=_("Require a new password"), permissions=["change"])
    def require_new_password(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Require that they choose a new password at the next sign-in."""
        sentence = ngettext(
            "%(count)s person has to choose a new password at the next sign-in before anything else.",
            "%(count)s people have to choose a new password at the next sign-in before anything else.",
            queryset.count(),
        )
        work = partial(staff_changes.update, changes=UserChanges(must_change_password=True))
        return confirm.ask(self, request, queryset, sentence) or self._each(
            request, queryset, work, _("A new password is required.")
        )

    @admin.action(description=_("Send the e-mail to confirm the address"), permissions=["link"])
    def resend_verification(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Mail another link to confirm the address."""
        sentence = ngettext(
            "%(count)s person gets another e-mail with a link to confirm the address.",
            "%(count)s people get another e-mail with a link to confirm the address.",
            queryset.count(),
        )
        return confirm.ask(self, request, queryset, sentence) or self._each(
            request, queryset, users.resend_verification, _("E-mail sent.")
        )

    @admin.action(description=_("End all sessions"), permissions=["end"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """End all their sessions."""
        sentence = ngettext(
            "%(count)s person is signed out on every device.",
            "%(count)s people are signed out on every device.",
            queryset.count(),
        )
        return confirm.ask(self, request, queryset, sentence) or self._each(
            request, queryset, sessions.end_all, _("All sessions ended.")
        )

    @admin.action(description=_("Give a role"), permissions=["assign"])
    def assign_role(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Assign a role, optionally in a scope and until a time."""
        form_class = partial(RoleGrantForm, request=request)
        form = confirm.confirmed(request, form_class)
        if form is None:
            sentence = ngettext("%(count)s person gets a role.", "%(count)s people get a role.", queryset.count())
            return confirm.page(self, request, queryset, _counted(sentence, queryset), form_class)
        given = dict(form.cleaned_data)

        def grant(*, pk: int, actor: User | None, client: Client) -> User:
            user: User = User.objects.get(pk=pk)
            assignments.grant(actor=actor, user=user, client=client, **given)
            return user

        scope = f" ({given['scope']})" if given["scope"] else ""
        return self._each(request, queryset, grant, _("Role given."), because=f"{given['role'].name}{scope}")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[User], work: Any, done: Any, *, because: str = ""
    ) -> HttpResponse | None:
        """Call the service for each user and record it in the admin's log; an error rolls everything back."""
        with transaction.atomic():
            changed = [work(pk=pk, **by(request)) for pk in queryset.values_list("pk", flat=True)]
            admin_history.record(request, changed, format_lazy("{} {}", done, because) if because else done)
        self.message_user(request, done)
        return confirm.back(self, request)


def _counted(sentence: str, queryset: QuerySet[User]) -> str:
    return sentence % {"count": queryset.count()}
