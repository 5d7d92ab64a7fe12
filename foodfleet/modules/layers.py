"""For `make lint`: extend the options of import-linter in pyproject.toml to modules beside the apps."""

import json
import tomllib
from pathlib import Path
from typing import Any

from foodfleet.modules import discovery

ROOT = Path(__file__).resolve().parents[2]
HIGHEST_APP = "notifications"  # modules stand above it


def with_modules(options: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return the options of import-linter with these modules: above the apps, and each with the layers of an app."""
    contracts = []
    for contract in options["contracts"]:
        layers, containers = contract.get("layers", []), contract.get("containers")
        if containers:
            contracts.append({**contract, "containers": [*containers, *names]})
        elif HIGHEST_APP in layers and names:
            place = layers.index(HIGHEST_APP)
            contracts.append({**contract, "layers": [*layers[:place], " : ".join(names), *layers[place:]]})
        else:
            contracts.append(contract)
    return {**options, "root_packages": [*options["root_packages"], *names], "contracts": contracts}


def as_toml(options: dict[str, Any]) -> str:
    """Return the options as a TOML file. Lists, strings and booleans are written as in JSON."""
    tables = [("[tool.importlinter]", options)]
    tables += [("[[tool.importlinter.contracts]]", contract) for contract in options["contracts"]]
    lines = []
    for title, values in tables:
        pairs = [f"{name} = {json.dumps(value)}" for name, value in values.items() if name != "contracts"]
        lines += [title, *pairs, ""]
    return "\n".join(lines)


def main() -> None:
    """Print the options of import-linter for this folder."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    print(as_toml(with_modules(options, discovery.beside(ROOT))))  # noqa: T201


if __name__ == "__main__":
    main()
