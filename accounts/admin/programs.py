"""Service accounts and API keys in the admin."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin import program_overview
from accounts.admin.shared import OF_A_USER, EmptiedRowsAdmin, by
from accounts.models import ApiKey, ServiceAccount
from accounts.services.programs import api_keys, service_accounts
from accounts.services.programs.api_keys import CreatedKey, NewKey
from accounts.services.programs.service_accounts import NewServiceAccount, ServiceAccountChanges
from foodfleet.core.admin import confirm, history, times
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin, ServiceForm
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import RestrictedFiltersAdmin, TextSearchAdmin, UnchangeableMixin
from foodfleet.core.admin.widgets import CheckboxTable
from foodfleet.core.exceptions import ConflictException, ForbiddenException, NotFoundException, ValidationException
from foodfleet.core.names import LONGEST_NAME, validate_name
from rbac.models import resource_permissions

ERRORS = (ConflictException, ForbiddenException, NotFoundException, ValidationException)


class ServiceAccountForm(ServiceForm):
    """A service account, with the fields of its user."""

    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME, validators=[validate_name])
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    class Meta:
        model = ServiceAccount
        fields = ("description", "owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        account = kwargs.get("instance")
        if account is not None and account.pk:
            own = {"name": account.name, "is_active": account.is_active}
            kwargs["initial"] = {**own, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


def may_change_keys(request: HttpRequest) -> bool:
    """Return whether the user may create and revoke API keys."""
    return request.user.has_perm(api_keys.PERMISSION)


@admin.register(ServiceAccount)
class ServiceAccountAdmin(EmptiedRowsAdmin, ServiceAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """Service accounts."""

    subject, icon = Subject.PROGRAMS, "smart_toy"
    searched_everywhere = True
    form = ServiceAccountForm
    form_errors = ERRORS
    list_display = ("name", "owner", "active", "role_names", "last_used")
    list_select_related = ("user", "owner")
    search_fields = ("user__search_text",)
    ordering = ("-pk",)
    show_full_result_count = False
    autocomplete_fields = ("owner",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccount]:
        found: QuerySet[ServiceAccount] = service_accounts.present().with_roles(timezone.now())
        return found

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ("name", "description", "owner")
        return fields if obj is None else (*fields, "is_active")

    @admin.display(description=_("active"), boolean=True)
    def active(self, account: ServiceAccount) -> bool:
        """Return whether its keys may be used."""
        return account.is_active

    @admin.display(description=_("roles"))
    def role_names(self, account: Any) -> str:
        """Return its roles with their scopes."""
        live = account.user.live_assignments
        return ", ".join(sorted(f"{one.role.name} ({one.scope})" if one.scope else one.role.name for one in live))

    @admin.display(description=_("last used"))
    def last_used(self, account: Any) -> Any:
        """Return when one of its keys was last used."""
        return times.relative(account.last_used_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the state, what can be done, and the keys, roles and events of the account above the form."""
        account = self.get_object(request, object_id)
        may_view = account is not None and self.has_view_permission(request, account)
        context = program_overview.context(request, account) if may_view else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in form.changed_data}
        if "owner" in given:
            given["owner"] = given["owner"] and given["owner"].pk
        if change:
            changes = ServiceAccountChanges(**given)
            service_accounts.change(pk=form.instance.pk, changes=changes, **by(request))
        else:
            given.pop("is_active", None)  # not in the form: a new account is active
            form.instance.user = service_accounts.create(new=NewServiceAccount(**given), **by(request)).user

    def delete_model(self, request: HttpRequest, obj: ServiceAccount) -> None:
        service_accounts.delete(pk=obj.pk, **by(request))


class ApiKeyForm(ServiceForm):
    """A new key of a service account."""

    account = forms.ModelChoiceField(queryset=ServiceAccount.objects.none(), label=_("Service account"))
    codenames = forms.MultipleChoiceField(
        label=_("Permissions"),
        required=False,
        choices=lambda: [
            (one.codename, f"{one.codename} - {one.name}") for one in resource_permissions().order_by("codename")
        ],
        widget=CheckboxTable,
        help_text=_("The key has only the chosen ones of its account. None chosen: all that the account has."),
    )
    networks = forms.CharField(
        label=_("Allowed networks"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Networks from which it may be used, one a line; empty: anywhere."),
    )
    created: CreatedKey

    class Meta:
        model = ApiKey
        fields = ("name", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts: Any = self.fields["account"]
        accounts.queryset = ServiceAccount.objects.present()

    def new_key(self) -> NewKey:
        """Return the values of the new key."""
        return NewKey(
            name=self.cleaned_data["name"],
            expires_at=self.cleaned_data["expires_at"],
            permissions=tuple(self.cleaned_data["codenames"]) or None,
            allowed_networks=tuple(self.cleaned_data["networks"].split()),
        )


@admin.register(ApiKey)
class ApiKeyAdmin(UnchangeableMixin, ServiceAdmin, PermittedLinksAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """API keys, which can be created and revoked but not changed."""

    subject, icon = Subject.PROGRAMS, "key"
    form = ApiKeyForm
    form_errors = ERRORS
    error_fields: ClassVar[dict[str, str]] = {"permissions": "codenames", "allowed_networks": "networks"}
    list_display = ("name", "prefix", "holder", "state", "created_at", "expires_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__search_text",)
    extra_lookups = OF_A_USER
    ordering = ("-created_at",)
    show_full_result_count = False
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("account", "name", "expires_at", "codenames", "networks")
        return (
            "name", "prefix", "holder", "state", "permissions", "allowed_networks", "created_at", "created_by",
            "expires_at", "last_used_at", "revoked_at",
        )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_change_keys(request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may revoke keys."""
        return self.has_add_permission(request)

    def found_as(self, row: ApiKey) -> str:
        return f"{row} · {self.holder(row)}"

    @admin.display(description=_("account"))
    def holder(self, key: ApiKey) -> str:
        """Return the name of the service account, or the address of the person."""
        return key.user.get_full_name() if key.user.is_service_account else key.user.email

    @admin.display(description=_("state"))
    def state(self, key: ApiKey) -> str:
        """Return whether the key is usable, expired or revoked."""
        return program_overview.state_of_key(key)

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        account = form.cleaned_data["account"].pk
        form.created = api_keys.create_for_service_account(pk=account, new=form.new_key(), **by(request))
        form.instance.created = form.created
        form.instance.pk = form.created.row.pk

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key in this response and not after a redirect, so that it is stored in no session or cookie."""
        context = {
            **self.admin_site.each_context(request),
            "created": obj.created,
            "title": _("API key created"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/accounts/key_created.html", context)

    @admin.action(description=_("Revoke the chosen API keys"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Revoke these keys, except those that are revoked already."""
        unrevoked = queryset.filter(revoked_at__isnull=True).select_related("user")
        sentence = ngettext(
            "%(count)s key is rejected from its next request on. This cannot be undone.",
            "%(count)s keys are rejected from their next request on. This cannot be undone.",
            unrevoked.count(),
        )
        if (page := confirm.ask(self, request, unrevoked, sentence)) is not None:
            return page
        with transaction.atomic():
            for key in unrevoked:
                api_keys.revoke_for(user_id=key.user_id, key_id=key.pk, **by(request))
                history.record(request, [key.user], format_lazy("{}: {}", _("API key revoked"), key.prefix))
        self.message_user(request, _("The API keys were revoked."))
        return None
