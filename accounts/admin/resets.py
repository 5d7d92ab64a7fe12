"""Resets of two-factor authentication in the admin."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.shared import OF_A_USER, by
from accounts.models import MFAReset
from accounts.services.mfa import resets
from accounts.states import EventKind
from foodfleet.core.admin import confirm, history
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import RestrictedFiltersAdmin, TextSearchAdmin, UnchangeableMixin
from foodfleet.core.exceptions import ConflictException, ForbiddenException, NotFoundException


@admin.register(MFAReset)
class MFAResetAdmin(UnchangeableMixin, ServiceAdmin, PermittedLinksAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """MFA resets, which one member of staff requests and another approves."""

    subject, icon = Subject.PEOPLE, "lock_reset"
    anchors = {"user": "mfa"}
    form_errors = (ConflictException, ForbiddenException, NotFoundException)
    extra_lookups = OF_A_USER
    list_display = ("user", "reason", "requested_by", "requested_at", "approved_by", "effective_at", "state")
    list_select_related = ("user", "requested_by", "approved_by")
    search_fields = ("user__search_text",)
    raw_id_fields = ("user",)
    ordering = ("-requested_at",)
    actions = ("approve", "call_off")

    def found_as(self, row: MFAReset) -> str:
        return str(row.user)

    @admin.display(description=_("state"))
    def state(self, reset: MFAReset) -> str:
        """Return the state of the reset."""
        if reset.done_at or reset.cancelled_at:
            return str(_("done") if reset.done_at else _("cancelled"))
        return str(_("approved; happens after 24 hours") if reset.approved_by_id else _("waiting for approval"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("user", "reason")
        return [self.permitted(request, name) for name in (*self.list_display[:-1], "cancelled_at", "done_at", "state")]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the state of the reset, and buttons for what this member of staff may do with it."""
        reset = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = self._state_context(request, reset) if reset is not None else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _state_context(self, request: HttpRequest, reset: MFAReset) -> dict[str, Any]:
        is_open = not (reset.done_at or reset.cancelled_at)
        is_of_others = request.user.pk not in {reset.user_id, reset.requested_by_id}
        return {
            "state": capfirst(self.state(reset)),
            "tone": "warn" if is_open else "",
            "can_approve": is_open and reset.approved_by_id is None and is_of_others,
            "can_cancel": is_open,
        }

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_reset_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_reset_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_reset_permission(request)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may request resets, approve those of others and cancel them."""
        return request.user.has_perm("users:reset_2fa")

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user = form.cleaned_data["user"]
        form.instance.pk = resets.request(user_id=user.pk, reason=form.cleaned_data["reason"], **by(request)).pk
        history.record(request, [user], EventKind.TWO_FACTOR_RESET_REQUESTED.label)

    @admin.action(description=_("Approve"), permissions=["reset"])
    def approve(self, request: HttpRequest, queryset: QuerySet[MFAReset]) -> HttpResponse | None:
        """Approve the resets; their owners are notified and have a day to cancel."""
        sentence = ngettext(
            "%(count)s person gets an e-mail and has a day to stop it. After that day two-factor authentication is "
            "off, and all sessions end.",
            "%(count)s people get an e-mail and have a day to stop it. After that day two-factor authentication is "
            "off, and all sessions end.",
            queryset.count(),
        )
        kind = EventKind.TWO_FACTOR_RESET_APPROVED
        return confirm.ask(self, request, queryset.select_related("user"), sentence) or self._each(
            request, queryset, resets.approve, kind, _("Approved. The owners were notified.")
        )

    @admin.action(description=_("Cancel"), permissions=["reset"])
    def call_off(self, request: HttpRequest, queryset: QuerySet[MFAReset]) -> HttpResponse | None:
        """Cancel the resets."""
        sentence = ngettext(
            "%(count)s reset is cancelled: that person keeps two-factor authentication as it is.",
            "%(count)s resets are cancelled: those people keep two-factor authentication as it is.",
            queryset.count(),
        )
        kind = EventKind.TWO_FACTOR_RESET_CANCELLED
        return confirm.ask(self, request, queryset.select_related("user"), sentence) or self._each(
            request, queryset, resets.cancel_by_staff, kind, _("Cancelled.")
        )

    def _each(
        self, request: HttpRequest, queryset: QuerySet[MFAReset], work: Any, kind: EventKind, done: Any
    ) -> HttpResponse | None:
        with transaction.atomic():
            for reset in queryset.select_related("user"):
                work(reset_id=reset.pk, **by(request))
                history.record(request, [reset.user], kind.label)
        self.message_user(request, done)
        return confirm.back(self, request)
