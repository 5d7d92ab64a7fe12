"""Scopes and their members in the admin, and the base of admins whose rows belong to scopes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin import history
from foodfleet.core.admin.base import BaseAdmin, Subject
from foodfleet.core.admin.forms import ServiceAdmin
from foodfleet.core.admin.links import link_to
from foodfleet.core.admin.lists import CappedPaginator, RestrictedFiltersAdmin
from foodfleet.core.admin.sections import MAX_ROWS, Section
from foodfleet.core.http.clients import client_of
from foodfleet.core.typed_text import searched_parts
from rbac.models import RoleAssignment, Scope, ScopeMembership
from rbac.services import decisions, scopes

OF_A_SCOPE = "scope__identifier__exact"  # the filter in links from a scope to its members
IN_A_SCOPE = "scope__exact"  # the same, to the roles that are held in it


class ScopedAdmin(BaseAdmin):
    """An admin whose rows belong to scopes: with a permission in a scope, users see and change only its rows.

    The model's default manager must have `visible_to` (rbac.models.ScopedQuerySet). To add and delete rows, users need
    the permission without a scope.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: Any = super().get_queryset(request)
        verb = "view" if self.may(request, self.codename("view")) else "change"
        return found.visible_to(request.user, self.codename(verb))  # type: ignore[no-any-return]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.codename("view"), obj) or self.may(request, self.codename("change"), obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.codename("change"), obj)

    def codename(self, verb: str) -> str:
        """Return Django's name of the permission."""
        return f"{self.opts.app_label}.{verb}_{self.opts.model_name}"

    def may(self, request: HttpRequest, codename: str, obj: Any = None) -> bool:
        """Return whether the user has `codename` without a scope, in a scope of `obj` or, if that is None, in any."""
        found = decisions.scopes_with(request.user, codename)
        if found is None or not found or obj is None:
            return found is None or bool(found)
        rows: Any = self.model._default_manager.filter(pk=obj.pk)
        return bool(rows.visible_to(request.user, codename).exists())


def _until(assignment: RoleAssignment) -> str:
    end = assignment.expires_at
    return date_format(timezone.localtime(end), "DATETIME_FORMAT") if end else "–"


@admin.register(Scope)
class ScopeAdmin(ServiceAdmin, RestrictedFiltersAdmin):
    """Scopes."""

    subject, icon = Subject.ACCESS, "account_tree"
    error_fields = {"": "key"}
    fields = ("kind", "key", "name", "parent")
    autocomplete_fields = ("parent",)
    list_display = ("named", "name", "parent", "members")
    list_select_related = ("parent",)
    search_fields = ("name", "identifier")
    ordering = ("identifier",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Scope], search_term: str
    ) -> tuple[QuerySet[Scope], bool]:
        return queryset.search(search_term), False  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Scope | None = None) -> Any:
        return scopes.FIXED if obj is not None else ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the members, the roles held in the scope and the scopes below it above the form."""
        scope: Any = self.get_object(request, object_id)
        may_view = scope is not None and self.has_view_permission(request, scope)
        context = {"sections": self._sections(request, scope)} if may_view else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _sections(self, request: HttpRequest, scope: Scope) -> list[Section]:
        link = partial(link_to, self.admin_site, request)
        found = [self._members(scope, link)]
        if self.admin_site.get_model_admin(RoleAssignment).has_view_permission(request):
            found.append(self._roles(scope, link))
        below = scope.children.order_by("identifier")[:MAX_ROWS]
        found.append(Section("below", _("Scopes below it"), [_("Scope")], [[link(one)] for one in below]))
        return found

    @staticmethod
    def _members(scope: Scope, link: Callable[[Any], str]) -> Section:
        newest = scope.memberships.select_related("user", "added_by").order_by("-id")[:MAX_ROWS]
        rows = [[link(one.user), one.created_at, one.added_by or ""] for one in newest]
        url = reverse("admin:rbac_scopemembership_changelist", query={OF_A_SCOPE: scope.identifier})
        return Section("members", _("Members"), [_("User"), _("Added"), _("By")], rows, url)

    @staticmethod
    def _roles(scope: Scope, link: Callable[[Any], str]) -> Section:
        held = RoleAssignment.objects.in_scope(scope.identifier).live(timezone.now()).select_related("user", "role")
        rows = [[link(one.user), link(one.role), _until(one)] for one in held.order_by("-granted_at", "-pk")[:MAX_ROWS]]
        url = reverse("admin:rbac_roleassignment_changelist", query={IN_A_SCOPE: scope.identifier})
        return Section("roles", _("Roles in this scope"), [_("User"), _("Role"), _("Until (UTC)")], rows, url)

    @admin.display(description=_("scope"), ordering="identifier")
    def named(self, scope: Scope) -> str:
        """Return the identifier."""
        return scope.identifier

    @admin.display(description=_("members"))
    def members(self, scope: Scope) -> str:
        """Return a link to the list of members."""
        url = reverse("admin:rbac_scopemembership_changelist", query={OF_A_SCOPE: scope.identifier})
        return format_html('<a href="{}">{}</a>', url, _("Members"))

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        scope, data, client = form.instance, form.cleaned_data, client_of(request)
        parent = data["parent"].pk if data["parent"] else None
        if change:
            changes = {"name": data["name"], "parent": parent}
            saved = scopes.update(actor=request.user, scope_id=scope.pk, changes=changes, client=client)
        else:
            named = {name: data[name] for name in ("kind", "key", "name")}
            saved = scopes.create(actor=request.user, **named, parent=parent, client=client)
        scope.__dict__.update(saved.__dict__)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(scope) for scope in objs], {}, set(), []  # the service raises an exception for a scope in use

    def delete_model(self, request: HttpRequest, obj: Scope) -> None:
        scopes.delete(actor=request.user, scope_id=obj.pk, client=client_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Scope]) -> None:
        with transaction.atomic():
            for scope in queryset:
                self.delete_model(request, scope)


@admin.register(ScopeMembership)
class ScopeMembershipAdmin(ServiceAdmin, RestrictedFiltersAdmin):
    """Members of scopes."""

    subject, icon = Subject.ACCESS, "group"
    error_fields = {"": "user", "user_not_found": "user"}
    fields = ("scope", "user")
    autocomplete_fields = ("scope", "user")
    list_display = ("user", "scope", "created_at", "added_by")
    list_select_related = ("user", "scope", "added_by")
    list_display_links = None
    search_fields = ("user__search_text",)
    extra_lookups = (OF_A_SCOPE,)
    ordering = ("-id",)
    paginator = CappedPaginator
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ScopeMembership], search_term: str
    ) -> tuple[QuerySet[ScopeMembership], bool]:
        for part in searched_parts(search_term):
            queryset = queryset.filter(user__search_text__contains=part)
        return queryset, False

    def has_change_permission(self, request: HttpRequest, obj: ScopeMembership | None = None) -> bool:
        return False

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        scope, user = form.cleaned_data["scope"], form.cleaned_data["user"]
        made, is_new = scopes.add_member(actor=request.user, scope_id=scope.pk, user=user, client=client_of(request))
        form.instance.__dict__.update(made.__dict__)
        if is_new:
            history.record(request, [user], format_lazy("{}: {}", _("Added to the scope"), str(scope)))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [f"{one.user}: {one.scope}" for one in objs], {self.opts.verbose_name_plural: len(objs)}, missing, []

    def delete_model(self, request: HttpRequest, obj: ScopeMembership) -> None:
        scopes.remove_member(actor=request.user, scope_id=obj.scope.pk, user_id=obj.user_id, client=client_of(request))
        history.record(request, [obj.user], format_lazy("{}: {}", _("Removed from the scope"), str(obj.scope)))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ScopeMembership]) -> None:
        with transaction.atomic():
            for membership in queryset.select_related("scope", "user"):
                self.delete_model(request, membership)
