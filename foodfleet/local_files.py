"""Paths of the product's and the installation's files, and the secret of development installations.

In a checkout all files are beside the packages. In an installed package templates/ and locale/ are in `foodfleet`
(pyproject.toml puts them there), and the installation, with its modules and var/, is the current directory.
"""

import contextlib
import os
import secrets
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IS_INSTALLED = (PACKAGE / "templates").is_dir()
RESOURCES = PACKAGE if IS_INSTALLED else PACKAGE.parent
INSTALLATION = Path.cwd() if IS_INSTALLED else PACKAGE.parent


def local_secret(path: Path) -> str:
    """Return the secret in `path`. Creates it if necessary, readable only by its owner (mode 600).

    Processes that start together get the same secret: the complete file is linked into place, and never replaced.
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
