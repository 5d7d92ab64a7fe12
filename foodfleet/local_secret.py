"""The secret that a development start makes for itself."""

import contextlib
import os
import secrets
from pathlib import Path


def local_secret(path: Path) -> str:
    """Return the secret kept in `path`; make it once, readable by its owner alone (mode 600).

    Two processes that start at once agree: the file appears whole, by a rename that never replaces one.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()
