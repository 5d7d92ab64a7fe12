"""The top of the page of a user: whether they can sign in, and sections such as sessions and events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.admin.shared import OF_A_USER
from accounts.models import SecurityEvent, Session, User
from accounts.services.mfa import methods
from foodfleet.core.admin.sections import MAX_ROWS, Section
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.clients import describe_user_agent
from foodfleet.core.models import RateLimit
from rbac.services import limits

ISOLATED = "\u2068{}\u2069"  # in its own text direction, so that parentheses stay in place


@dataclass(frozen=True)
class State:
    """A sentence that says whether the user can sign in. tone: `good`, `warn`, `bad` or ''. label: why not, short."""

    sentence: str
    tone: str
    label: str = ""


Builder = Callable[[HttpRequest, User], Section]
_builders: list[tuple[str, Builder]] = []


def register(permission: str, build: Builder) -> None:
    """Add a section for users with the permission. Sections are shown in the order of registration."""
    _builders.append((permission, build))


def sections(request: HttpRequest, user: User) -> list[Section]:
    """Return the sections that the member of staff may see."""
    reader: Any = request.user
    return [build(request, user) for permission, build in _builders if reader.has_perm(permission)]


def why_not_changeable(actor: User, user: User) -> str:
    """Return why `actor` may not change this account; '' if they may."""
    try:
        limits.ensure_may_act_on(actor, user)
    except BaseAppException as error:
        missing = error.details.get("missing") if isinstance(error.details, dict) else None
        return f"{error.message} {', '.join(missing)}" if missing else str(error.message)
    return ""


def state_of(user: Any, reader: Any = None) -> State:
    """Return whether the user can sign in, and why not. user: annotated by `with_access`.

    reader: the member of staff whom the sentence tells more about a lock, by a query; None: only the label is needed.
    """
    if not user.is_active:
        return State(str(_("Cannot sign in: the account is deactivated.")), "bad", str(_("Deactivated")))
    if user.is_service_account:
        return State(str(_("A program: it uses API keys and does not sign in.")), "")
    if user.locked_at is not None:
        label = str(_("Locked by staff"))
        return State(_why_locked(user, reader) if reader else label, "bad", label)
    if user.locked_until is not None:
        until = date_format(timezone.localtime(user.locked_until), "TIME_FORMAT")
        label = str(_("Locked until %(time)s UTC") % {"time": until})
        return State(_why_blocked(user, until) if reader else label, "bad", label)
    return _open_state(user)


def _why_locked(user: Any, reader: Any) -> str:
    """Return when staff locked the account, with by whom and why for those who may see its events or unlock it."""
    may_see = reader.has_perm("events:read") or reader.has_perm("users:lock")
    lock = SecurityEvent.objects.of(user).lock_since(user.locked_at) if may_see else None
    if lock is None or lock.actor is None:
        sentence = with_time(_("Cannot sign in: locked by staff since %(time)s"), user.locked_at)
    else:
        sentence = with_time(_("Cannot sign in: locked by %(who)s on %(time)s"), user.locked_at, who=lock.actor)
    reason = lock.details.get("reason") if lock is not None else None
    return f"{sentence} ({ISOLATED.format(reason)})" if reason else sentence


def _why_blocked(user: Any, until: str) -> str:
    """Return until when wrong passwords block the account, and how many there were."""
    lock = RateLimit.objects.blocking(timezone.now()).filter(subject=user.pk).order_by("-blocked_until").first()
    sentence = _("Cannot sign in: locked until %(time)s UTC after %(tries)s wrong passwords.")
    return str(sentence) % {"time": until, "tries": lock.count if lock is not None else 0}


def _open_state(user: User) -> State:
    if user.invited_at is not None and not user.is_email_verified:
        sentence = with_time(_("Invited on %(time)s, and has not chosen a password yet."), user.invited_at)
        return State(sentence, "warn", str(_("Invited")))
    if not user.is_email_verified:
        return State(str(_("Has not confirmed the e-mail address yet.")), "warn", str(_("Not confirmed")))
    if user.must_change_password:
        return State(str(_("Can sign in, and has to choose a new password then.")), "warn")
    if user.last_login is None:
        return State(str(_("Can sign in, and has never done so.")), "good")
    return State(with_time(_("Can sign in. The last time: %(time)s"), user.last_login), "good")


def with_time(sentence: Any, time: Any, **words: Any) -> str:
    """Return the sentence with the local time in the place of `%(time)s`, and with other words."""
    return str(sentence) % {"time": date_format(timezone.localtime(time), "DATETIME_FORMAT"), **words}


# -- Sections of accounts
def mfa(request: HttpRequest, user: User) -> Section:
    """Return the section with the MFA methods."""
    rows = [[method.label] for method in methods.methods_of(user)]
    link = ""
    if request.user.has_perm("users:reset_2fa"):
        link = reverse("admin:accounts_mfareset_changelist", query=dict.fromkeys(OF_A_USER, user.pk))
    return Section("mfa", _("Two-factor authentication"), [_("Method")], rows, link)


def sessions(request: HttpRequest, user: User) -> Section:
    """Return the section with the live sessions, most recently used first."""
    live = Session.objects.of(user).live(timezone.now()).order_by("-last_used_at")[:MAX_ROWS]
    rows = [[one.device_name or describe_user_agent(one.user_agent), one.ip or "", one.last_used_at] for one in live]
    link = reverse("admin:accounts_session_changelist", query=dict.fromkeys(OF_A_USER, user.pk))
    return Section("sessions", _("Sessions"), [_("Device"), _("IP address"), _("Last used")], rows, link)


def events(request: HttpRequest, user: User) -> Section:
    """Return the section with the newest security events."""
    newest = SecurityEvent.objects.of(user).select_related("actor").order_by("-created_at", "-id")[:MAX_ROWS]
    rows = [[one.created_at, one.get_kind_display(), one.actor or "", one.ip or ""] for one in newest]
    link = reverse("admin:accounts_securityevent_changelist", query=dict.fromkeys(OF_A_USER, user.pk))
    return Section("events", _("Security events"), [_("When"), _("What"), _("By"), _("IP address")], rows, link)


register("users:read", mfa)
register("sessions:read", sessions)
register("events:read", events)
