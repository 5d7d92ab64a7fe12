"""`manage.py doctor`: check this installation and say what to do about each problem."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from foodfleet.core.doctor.registry import Finding, examine


class Command(BaseCommand):
    """Runs all checks and writes problems and advice; the exit code is 1 if there is a problem."""

    help = __doc__
    requires_system_checks: list[str] = []  # the doctor runs them itself

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine()
        is_ok = not any(finding.problems for finding in findings)
        if options["json"]:
            report = {"ok": is_ok, "checks": [asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(report))
        else:
            for finding in findings:
                self._write(finding)
        if not is_ok:
            sys.exit(1)

    def _write(self, finding: Finding) -> None:
        state = "skipped" if finding.is_skipped else "problem" if finding.problems else "ok"
        self.stdout.write(f"{state:8} {finding.name.replace('_', ' ')}")
        for problem in finding.problems:
            self.stdout.write(f"         {problem.text}\n         -> {problem.advice}")
