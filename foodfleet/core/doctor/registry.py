"""The checks of `manage.py doctor`. Apps add theirs in `services/doctor.py`.

    @doctor.register(needs_database=True)
    def drivers() -> Iterator[Problem]:
        if nobody_drives():
            yield Problem("Nobody drives a truck today.", "Assign a driver in the admin.")

A check examines one part of the installation, changes nothing, and yields problems and advice in plain words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog
from django.utils.module_loading import autodiscover_modules

from foodfleet.core.logging import redact_text

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Problem:
    """A problem, and advice on how to solve it."""

    text: str
    advice: str


@dataclass(frozen=True)
class Check:
    """A check of one part. needs_database: it is skipped unless the database is usable and has all tables."""

    name: str
    find: Callable[[], Iterable[Problem]]
    needs_database: bool = False


@dataclass(frozen=True)
class Finding:
    """The result of a check. is_skipped: it could not run."""

    name: str
    problems: list[Problem] = field(default_factory=list)
    is_skipped: bool = False


_checks: list[Check] = []


def register(
    *, needs_database: bool = False
) -> Callable[[Callable[[], Iterable[Problem]]], Callable[[], Iterable[Problem]]]:
    """Register a function as a check, which gets its name. Checks run in the order of registration."""

    def add(find: Callable[[], Iterable[Problem]]) -> Callable[[], Iterable[Problem]]:
        _checks.append(Check(find.__name__, find, needs_database))
        return find

    return add


def examine() -> list[Finding]:
    """Run all checks, that of the database first."""
    autodiscover_modules("doctor.checks", "services.doctor")
    findings: list[Finding] = []
    is_database_usable = True
    for check in sorted(_checks, key=lambda check: check.name != "database"):
        if check.needs_database and not is_database_usable:
            findings.append(Finding(check.name, is_skipped=True))
            continue
        problems = _problems(check)
        findings.append(Finding(check.name, problems))
        if check.name == "database":
            is_database_usable = not problems
    return findings


def _problems(check: Check) -> list[Problem]:
    try:
        problems = dict.fromkeys(check.find())  # each once
        return [Problem(redact_text(problem.text), problem.advice) for problem in problems]
    except Exception as error:
        logger.debug("doctor_check_failed", check=check.name, exc_info=True)
        text = redact_text(f"The check failed: {type(error).__name__}: {error}".strip().replace("\n", " "))
        return [Problem(text, "Correct the cause; LOG_LEVEL=DEBUG shows the traceback.")]
