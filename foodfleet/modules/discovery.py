"""Find the modules: domain apps beside those of the product. docs/modules.md describes them.

Nothing lists them by hand. Settings, tests and `make lint` all ask here, before Django is set up.
"""

from pathlib import Path

from foodfleet import local_files

PRODUCT = ("foodfleet", "rbac", "accounts", "notifications")


def beside(folder: Path) -> list[str]:
    """Return the modules in `folder`: packages whose apps.py has a ModuleConfig (foodfleet.modules.registry)."""
    return sorted(
        path.parent.name
        for path in folder.glob("*/apps.py")
        if path.parent.name not in PRODUCT and "(ModuleConfig)" in path.read_text(encoding="utf-8")
    )


if __name__ == "__main__":  # for the Makefile
    print(*beside(local_files.INSTALLATION))  # noqa: T201
