"""Cards of accounts on the home page of the admin."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import MFAReset, User
from accounts.services import statistics
from accounts.states import EventKind
from foodfleet.core.admin.home import Card, Figure, charts_of, register, register_waiting
from foodfleet.core.admin.lists import capped_count
from foodfleet.core.database.hourly_counts import Recent

MAX_COUNT = 1000  # more are shown as 1000+


def sign_ins(request: HttpRequest, counts: Recent) -> Card:
    """Return the card with sign-ins and failures by hour and by day."""
    good, bad = (statistics.name_of(kind) for kind in (EventKind.SIGNED_IN, EventKind.SIGN_IN_FAILED))
    charts = charts_of(counts, (_("Sign-ins"), [good], "good"), (_("Failures"), [bad], "bad"))
    link = reverse("admin:accounts_securityevent_changelist", query={"kind__exact": EventKind.SIGN_IN_FAILED.value})
    failures = Figure(_("Failures in 24 hours"), sum(charts[0].series[1].values), link)
    return Card(_("Sign-ins"), [failures], charts, _("Counted every five minutes, in UTC."))


def people(request: HttpRequest, counts: Recent) -> Card:
    """Return the card with the numbers of locked and of new users."""
    names = [statistics.name_of(kind) for kind in statistics.NEW]
    locked = capped_count(User.objects.present().locked_out(timezone.now()), MAX_COUNT)
    listed = reverse("admin:accounts_user_changelist")
    new = [sum(sum(count(name)) for name in names) for count in (counts.by_hour, counts.by_day)]
    invite = reverse("admin:accounts_user_add", query={"usable_password": "false"})
    may_invite = request.user.has_perm("users:create")
    return Card(
        _("People"),
        [
            Figure(_("Locked now"), str(locked), f"{listed}?locked=yes", "warn" if locked else ""),
            Figure(_("New in 24 hours"), new[0], listed),
            Figure(_("New in 30 days"), new[1], listed),
        ],
        links=[(_("Invite a person"), invite)] if may_invite else [],
    )


def resets(request: HttpRequest) -> Figure:
    """Return the number of MFA resets that this user may approve."""
    own = request.user.pk
    waiting = MFAReset.objects.open().filter(approved_by__isnull=True).exclude(requested_by=own).exclude(user=own)
    count = capped_count(waiting, MAX_COUNT)
    listed = reverse("admin:accounts_mfareset_changelist")
    return Figure(_("Two-factor resets to approve"), str(count), listed, "warn" if count else "")


register_waiting("users:reset_2fa", resets)
register("users:read", people)
register("events:read", sign_ins)
