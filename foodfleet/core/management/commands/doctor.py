"""`manage.py doctor`: is this installation well, and if not, what is to be done?"""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from foodfleet.core.doctor.registry import Finding, examine


class Command(BaseCommand):
    """Look at every part from inside and say what is wrong and what to do; exit code 1 where something is."""

    help = __doc__
    requires_system_checks: list[str] = []  # they are one of the doctor's checks

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine()
        is_well = not any(finding.problems for finding in findings)
        if options["json"]:
            report = {"ok": is_well, "checks": [asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(report))
        else:
            for finding in findings:
                self._write(finding)
        if not is_well:
            sys.exit(1)

    def _write(self, finding: Finding) -> None:
        state = "skipped" if finding.is_skipped else "problem" if finding.problems else "ok"
        self.stdout.write(f"{state:8} {finding.name.replace('_', ' ')}")
        for problem in finding.problems:
            self.stdout.write(f"         {problem.text}\n         -> {problem.advice}")
