"""Sessions in the admin."""

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.shared import ReadOnlyAdmin, by
from accounts.models import Session
from accounts.services.staff import sessions
from foodfleet.core.admin import confirm, history, times
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import errors_as_messages
from foodfleet.core.http.clients import describe_user_agent


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Sessions, which can be ended but not changed."""

    subject, icon = Subject.PEOPLE, "devices"
    anchors = {"user": "sessions"}
    list_display = ("user", "device", "address", "signed_in", "last_used", "ended")
    fields = ("user", "device", "user_agent", "address", "signed_in", "last_used", "expires_at", "ended")
    ordering = ("-last_used_at",)
    actions = ("end",)
    changelist_view = errors_as_messages(ReadOnlyAdmin.changelist_view)

    def found_as(self, row: Session) -> str:
        return f"{row.user} · {self.device(row)}"

    @admin.display(description=_("device"))
    def device(self, session: Session) -> str:
        """Return the device name or, if it has none, browser and operating system."""
        return session.device_name or describe_user_agent(session.user_agent) or "-"

    @admin.display(description=_("IP address"), ordering="ip", empty_value="-")
    def address(self, session: Session) -> str | None:
        """Return the IP address of the sign-in."""
        return session.ip

    @admin.display(description=_("signed in"), ordering="created_at")
    def signed_in(self, session: Session) -> str:
        """Return when it was started."""
        return times.relative(session.created_at)

    @admin.display(description=_("last used"), ordering="last_used_at")
    def last_used(self, session: Session) -> str:
        """Return when it was last used."""
        return times.relative(session.last_used_at)

    @admin.display(description=_("ended"), ordering="ended_at")
    def ended(self, session: Session) -> str:
        """Return when and why it ended."""
        return format_html("{} {}", times.relative(session.ended_at), session.get_end_reason_display())

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may end sessions."""
        return request.user.has_perm(sessions.PERMISSION)

    @admin.action(description=_("End the chosen sessions"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        """End these sessions, except those that have ended already."""
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
                history.record(request, [user], format_lazy("{}: {}", _("A session was ended"), self.device(session)))
        self.message_user(request, _("The sessions were ended."))
        return None
