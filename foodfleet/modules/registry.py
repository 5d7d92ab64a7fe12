"""ModuleConfig, with which modules declare themselves, and functions that return the installed modules' declarations.

By convention the product uses these files of a module if they exist: `api/urls.py` (mounted at /api/v1/<module>/),
`pages/urls.py` (at /<module>/), `permissions.py`, `mails.py`, `receivers.py` and `tasks.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar

from django.apps import AppConfig, apps
from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import module_has_submodule


class ModuleConfig(AppConfig):
    """The AppConfig of a module.

    events: the kinds of its security events, with their wording. schedule: entries of CELERY_BEAT_SCHEDULE, with
    seconds, a timedelta or a `celery.schedules.crontab` (UTC). public: the paths that anybody may call without signing
    in, such as `trucks/map/`.
    """

    default = False  # a module's apps.py imports this class: only its own subclass is its configuration
    default_auto_field = "django.db.models.BigAutoField"
    events: ClassVar[Mapping[str, str | Promise]] = {}
    schedule: ClassVar[Mapping[str, dict[str, Any]]] = {}
    public: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.default = True

    @property
    def description(self) -> str:
        """The first line of the docstring, for the OpenAPI document."""
        return (self.__doc__ or "").strip().partition("\n")[0]

    @property
    def url(self) -> str:
        """The first part of the module's paths: `food_trucks` is at `food-trucks/`."""
        return self.label.replace("_", "-")

    def has(self, submodule: str) -> bool:
        """Return whether the module has e.g. `api.urls`."""
        package = submodule.rpartition(".")[0]
        return (not package or self.has(package)) and find_spec(f"{self.name}.{submodule}") is not None

    def ready(self) -> None:
        """Register the receivers and the schedule."""
        if self.has("receivers"):
            import_module(f"{self.name}.receivers")
        settings.CELERY_BEAT_SCHEDULE.update(self.schedule)


def installed() -> list[ModuleConfig]:
    """Return the installed modules."""
    return [config for config in apps.get_app_configs() if isinstance(config, ModuleConfig)]


@dataclass(frozen=True)
class ScheduledTask:
    """A task of a module for a process without Celery's beat."""

    schedule: Any
    run: Callable[[], object]

    @property
    def is_at_fixed_times(self) -> bool:
        """Whether its schedule is a crontab rather than an interval."""
        return not isinstance(self.schedule, (int, float, timedelta))

    def pause(self) -> float:
        """Return the seconds until its next run; for a crontab one second more, so that it does not run twice."""
        if isinstance(self.schedule, timedelta):
            return self.schedule.total_seconds()
        if self.is_at_fixed_times:
            remaining: timedelta = self.schedule.remaining_estimate(self.schedule.now())
            return remaining.total_seconds() + 1
        return float(self.schedule)


def scheduled_tasks() -> list[ScheduledTask]:
    """Return the tasks that modules schedule."""
    found: list[ScheduledTask] = []
    for module in installed():
        tasks = import_module(f"{module.name}.tasks") if module.schedule else None
        by_name = {task.name: task for task in vars(tasks).values() if hasattr(task, "apply_async")} if tasks else {}
        found += [ScheduledTask(entry["schedule"], by_name[entry["task"]]) for entry in module.schedule.values()]
    return found


def submodules(name: str) -> Iterator[ModuleType]:
    """Import the submodule of this name of each installed app that has one, as Django's `autodiscover_modules`."""
    for config in apps.get_app_configs():
        if module_has_submodule(config.module, name):
            yield import_module(f"{config.name}.{name}")
