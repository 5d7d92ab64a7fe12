"""Django's collectstatic with the option --if-changed."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands.collectstatic import Command as CollectStaticCommand
from django.core.files import locks
from django.core.management import CommandParser


class Command(CollectStaticCommand):
    """Collects static files, and records a digest of their sources."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --if-changed."""
        super().add_arguments(parser)
        parser.add_argument("--if-changed", action="store_true", help="Do nothing if no file has changed.")

    def handle(self, *args: Any, if_changed: bool = False, **options: Any) -> str | None:
        """Collect the files; with --if-changed only if one of them has changed."""
        root = Path(settings.STATIC_ROOT)
        record, digest = root.with_name(f"{root.name}.sha256"), _digest_of_sources()  # whitenoise serves what is inside
        if if_changed and _is_collected(root, record, digest):  # before `mkdir`: the folder may be read-only
            return None
        root.mkdir(parents=True, exist_ok=True)
        with record.open("a+") as file:
            locks.lock(file, locks.LOCK_EX)  # a second server may start at the same time
            if if_changed and _is_collected(root, record, digest):
                return None
            file.truncate(0)
            report = super().handle(*args, **options)
            if not options["dry_run"]:
                file.write(digest)
        return report


def _is_collected(root: Path, record: Path, digest: str) -> bool:
    return record.is_file() and record.read_text() == digest and root.is_dir() and any(root.iterdir())


def _digest_of_sources() -> str:
    """Return a digest of the storage, and of the path, size and time of modification of each source file."""
    lines = [settings.STORAGES["staticfiles"]["BACKEND"]]
    for finder in get_finders():
        for path, storage in finder.list(None):
            stat = Path(storage.path(path)).stat()
            lines.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
