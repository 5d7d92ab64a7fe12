"""Find the modules: domain apps beside those of the product. docs/modules.md describes them.

There is no list to maintain. Settings, tests and `make lint` call these functions before Django is set up.
"""

from importlib.util import find_spec
from pathlib import Path

from foodfleet import local_files

CONFIG = "(ModuleConfig)"  # in the text of a module's apps.py: it cannot be imported before Django is set up
PRODUCT = ("foodfleet", "rbac", "accounts", "notifications")


def beside(folder: Path) -> list[str]:
    """Return the modules in `folder`: packages whose apps.py has a ModuleConfig (foodfleet.modules.registry)."""
    return sorted(
        path.parent.name
        for path in folder.glob("*/apps.py")
        if path.parent.name not in PRODUCT and CONFIG in path.read_text(encoding="utf-8")
    )


def is_module(package: str) -> bool:
    """Return whether this package is installed and its apps.py has a ModuleConfig."""
    try:
        found = find_spec(f"{package}.apps")
    except ModuleNotFoundError:
        return False
    if found is None or found.origin is None:
        return False
    return CONFIG in Path(found.origin).read_text(encoding="utf-8")


if __name__ == "__main__":  # for the Makefile
    print(*beside(local_files.INSTALLATION))  # noqa: T201
