"""The table of default roles in the docs says what the code declares."""

from importlib import import_module
from pathlib import Path

from django.conf import settings

from foodfleet.modules.discovery import PRODUCT
from rbac.services.declarations import declared


def written() -> dict[str, dict[str, bool]]:
    """Codename -> role -> whether the table of docs/roles.md says yes."""
    rows = [line for line in Path(settings.BASE_DIR, "docs", "roles.md").read_text().splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    header = next(row for row in cells if row[0] == "Permission")
    return {
        row[0].strip("`"): {role: cell == "yes" for role, cell in zip(header[2:], row[2:], strict=True)}
        for row in cells
        if row[0].startswith("`")
    }


def product_codenames() -> dict[str, str]:
    """The codenames of the product's own apps with their descriptions; a module documents its own."""
    resources = [one for app in PRODUCT[1:] for one in import_module(f"{app}.permissions").RESOURCES]
    return {codename: sentence for resource in resources for codename, sentence in resource.codenames.items()}


def test_the_documented_table_matches_the_declared_permissions():
    roles = declared().roles
    expected = {
        codename: {role.name: codename in has for role, has in roles.items()} for codename in product_codenames()
    }
    assert written() == expected, "docs/roles.md has a row for each permission"


def test_every_default_role_and_permission_has_a_description():
    text = Path(settings.BASE_DIR, "docs", "roles.md").read_text()
    for role in declared().roles:
        assert f"| {role.name} | {role.description} | {'yes' if role.requires_2fa else 'no'} |" in text
    rows = [f"| `{name}` | {sentence} |" for name, sentence in product_codenames().items()]
    assert not [row for row in rows if row not in text], "docs/roles.md has a row for each permission"
