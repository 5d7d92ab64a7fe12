"""The list of the user's sessions."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.models import Session
from accounts.pages.views.base import ActionPage, Page, SignedInMixin
from accounts.services.sessions import sessions
from foodfleet.core.http.access import DURING_REQUIRED_ACTIONS, viewable
from foodfleet.core.http.clients import describe_user_agent

PHONE = re.compile(r"Mobi|Android|iPhone|iPad")


@dataclass(frozen=True)
class SessionRow:
    """A session in the page's list."""

    id: UUID
    device: str
    kind: str
    ip: str | None
    created_at: datetime
    last_used_at: datetime
    current: bool


@viewable
class SessionsPage(SignedInMixin, Page):
    """All sessions of the user, the current one first."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = [self._row(session) for session in sessions.of_user(self.user).order_by("-last_used_at")]
        rows.sort(key=lambda session: not session.current)
        return render(request, "accounts/sessions.html", {"sessions": rows})

    def _row(self, session: Session) -> SessionRow:
        return SessionRow(
            id=session.pk,
            device=session.device_name or describe_user_agent(session.user_agent) or _("Unknown device"),
            kind="phone" if PHONE.search(session.user_agent) else "laptop",
            ip=session.ip,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            current=session.pk == self.session_id,
        )


class EndPage(ActionPage):
    """End one session; ending the current one signs out."""

    redirects_to = "account_sessions"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs["id"] == self.session_id:
            logout(request)
            messages.success(request, _("You are signed out."))
            return redirect("login")
        return super().post(request, *args, **kwargs)

    def act(self, **kwargs: Any) -> str:
        sessions.end_own(user=self.user, session_id=kwargs["id"], client=self.client)
        return _("That session is ended. Its device is signed out from its next request on.")


class EndOthersPage(ActionPage):
    """End all sessions except the current one."""

    access = DURING_REQUIRED_ACTIONS
    redirects_to = "account_sessions"

    def act(self, **kwargs: Any) -> str:
        sessions.end_all_own(user=self.user, client=self.client, keep=self.session_id)
        return _("All other sessions are ended.")
