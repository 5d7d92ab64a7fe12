"""Where the files of the product and of the installation are, and the secret that a development start keeps there.

In a checkout all of them are beside the packages. In an installed package templates/ and locale/ are in `foodfleet`
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
