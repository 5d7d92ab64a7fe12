"""Sessions, which can be ended, in the admin."""

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.shared import ReadOnlyAdmin, by
from accounts.models import Session
from accounts.services.staff import sessions
from foodfleet.core.admin import confirm, history
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import errors_as_messages
from foodfleet.core.http.clients import describe_user_agent


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Sessions, which can be ended."""

    subject, icon = Subject.PEOPLE, "devices"
    list_display = ("user", "device_name", "ip", "created_at", "last_used_at", "ended_at", "end_reason")
    fields = (
        "user", "device_name", "user_agent", "ip", "created_at", "last_used_at", "expires_at", "ended_at", "end_reason",
    )  # fmt: skip
    ordering = ("-last_used_at",)
    actions = ("end",)
    changelist_view = errors_as_messages(ReadOnlyAdmin.changelist_view)

    def found_as(self, row: Session) -> str:
        return f"{row.user} · {row.device_name or describe_user_agent(row.user_agent)}"

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whether the user may end sessions."""
        return request.user.has_perm(sessions.PERMISSION)

    @admin.action(description=_("End the chosen sessions"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        """Sign these devices out; sessions that ended before stay as they are."""
        live = queryset.live(timezone.now())  # type: ignore[attr-defined]
        sentence = ngettext(
            "%(count)s session ends at once: its device is signed out. Sessions that have ended stay as they are.",
            "%(count)s sessions end at once: their devices are signed out. Sessions that have ended stay as they are.",
            live.count(),
        )
        if (page := confirm.ask(self, request, live.select_related("user"), sentence)) is not None:
            return page
        with transaction.atomic():
            for session in live:
                user = sessions.end(pk=session.user_id, session_id=session.pk, **by(request))
                device = session.device_name or describe_user_agent(session.user_agent)
                history.record(request, [user], format_lazy("{}: {}", _("A session was ended"), device))
        self.message_user(request, _("The sessions were ended."))
        return None
