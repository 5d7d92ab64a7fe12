"""The home page of the admin: cards that apps register, each for the holders of one permission."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.charts import Chart, Series
from foodfleet.core.database import hourly_counts
from foodfleet.core.database.hourly_counts import DAYS, HOURS, Recent
from foodfleet.core.http import health
from foodfleet.core.models import Heartbeat

ALIVE_WITHIN = timedelta(seconds=60)
CHECKED_FOR = 15.0  # seconds a state is reused: checking cache and broker takes long while they are unreachable
WORDS = {health.OK: _("OK"), health.DOWN: _("Unavailable"), health.NOT_CONFIGURED: _("Not used")}

_states: dict[str, tuple[float, str]] = {}


@dataclass(frozen=True)
class Figure:
    """A number or word with its label. link: to the list of the counted rows; tone: `good`, `warn` or `bad`."""

    label: Any
    value: Any
    link: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table. link: of its label, to the list of the counted rows."""

    label: Any
    values: Sequence[Any]
    link: str = ""


@dataclass(frozen=True)
class Table:
    """A table of numbers. columns: their names, with that of the labels."""

    columns: Sequence[Any]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Card:
    """The content of a card. note: a sentence below the figures. links: buttons, as label and URL."""

    title: Any
    figures: Sequence[Figure] = ()
    charts: Sequence[Chart] = ()
    note: Any = ""
    links: Sequence[tuple[Any, str]] = ()
    table: Table | None = None


Builder = Callable[[HttpRequest, Recent], Card]
Waiting = Callable[[HttpRequest], Figure]
_builders: list[tuple[str, Builder]] = []
_waiting: list[tuple[str, Waiting]] = []


def register(permission: str, build: Builder) -> None:
    """Add a card for users with the permission. Cards appear in the order of registration."""
    _builders.append((permission, build))


def register_waiting(permission: str, build: Waiting) -> None:
    """Show the figure to holders of the permission, on the first card: what waits for them."""
    _waiting.append((permission, build))


def cards(request: HttpRequest) -> list[Card]:
    """Return the cards that the user may see, and the card of the services' health."""
    user: Any = request.user
    counts = hourly_counts.recent()
    waits = [build(request) for permission, build in _waiting if user.has_perm(permission)]
    first = [Card(_("Waiting for you"), waits)] if waits else []
    built = [build(request, counts) for permission, build in _builders if user.has_perm(permission)]
    # Tables are wide: they come last.
    return sorted([*first, *built, _health()], key=lambda card: card.table is not None)


def charts_of(counts: Recent, *series: tuple[Any, Sequence[str], str]) -> list[Chart]:
    """Return charts of the last hours and of the last days. series: a name, the names of its counts, and a tone."""
    now = timezone.localtime()
    hours = [f"{now - timedelta(hours=ago):%H}:00" for ago in reversed(range(HOURS))]
    days = [date_format(now - timedelta(days=ago), "j M") for ago in reversed(range(DAYS))]
    periods = ((_("Last 24 hours"), hours, counts.by_hour), (_("Last 30 days"), days, counts.by_day))
    return [
        Chart(title, labels, [Series(name, _added(count, names), tone) for name, names, tone in series])
        for title, labels, count in periods
    ]


def _added(count: Callable[[str], list[int]], names: Sequence[str]) -> list[int]:
    return [sum(values) for values in zip(*(count(name) for name in names), strict=True)]


def _health() -> Card:
    """Return the card of the services' health. The database is OK: the caller has just used it."""
    figures = [Figure(_("Database"), WORDS[health.OK], tone="good")]
    for name, label, check in (
        ("cache", _("Cache"), health.cache_state),
        ("broker", _("Broker"), health.broker_state),
    ):
        state = _state(name, check)
        figures.append(Figure(label, WORDS[state], tone={health.OK: "good", health.DOWN: "bad"}.get(state, "")))
    now = timezone.now()
    beats = [at for at in Heartbeat.objects.values_list("at", flat=True) if at > now - ALIVE_WITHIN]
    figures.append(_workers(is_alive=bool(beats)))
    return Card(_("Services"), figures)


def _workers(*, is_alive: bool) -> Figure:
    """Return whether a worker was seen recently; without a broker none is needed."""
    if is_alive:
        return Figure(_("Workers"), WORDS[health.OK], tone="good")
    if not settings.CELERY_BROKER_URL:
        return Figure(_("Workers"), WORDS[health.NOT_CONFIGURED])
    return Figure(_("Workers"), _("Not seen lately"), tone="warn")


def _state(name: str, check: Callable[[], str]) -> str:
    """Return the state of a service, checked at most every CHECKED_FOR seconds by this process."""
    at, state = _states.get(name, (0.0, ""))
    if not state or monotonic() - at > CHECKED_FOR:
        state = check()
        _states[name] = (monotonic(), state)
    return state
