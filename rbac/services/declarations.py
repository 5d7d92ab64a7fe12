"""Read the declarations of permissions and roles in every app's `permissions.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from django.core.exceptions import ImproperlyConfigured

from foodfleet.modules.registry import submodules
from rbac.permissions import EVERYTHING, ROLES, DefaultRole, Resource

MODEL_ACTIONS = {"view": "read", "add": "create", "change": "update", "delete": "delete"}


@dataclass(frozen=True)
class Declared:
    """The declarations of all apps.

    codenames: codename to description. renamed: old codename to new one. roles: role to codenames, with EVERYTHING
    expanded. all_powerful: names of the roles with EVERYTHING. aliases: Django's `app.view_model` to codename.
    """

    codenames: Mapping[str, str]
    renamed: Mapping[str, str]
    roles: Mapping[DefaultRole, frozenset[str]]
    all_powerful: frozenset[str]
    aliases: Mapping[str, str]


@cache
def declared() -> Declared:
    """Return the declarations of the installed apps. Raises ImproperlyConfigured for contradictions."""
    modules = _modules()
    resources = [resource for module in modules for resource in module.RESOURCES]
    codenames: dict[str, str] = {}
    for resource in resources:
        if duplicates := codenames.keys() & resource.codenames.keys():
            raise ImproperlyConfigured(f"Declared twice: {', '.join(sorted(duplicates))}")
        codenames.update(resource.codenames)
    grants = {role: _granted(role, modules, codenames) for role in ROLES}
    return Declared(
        codenames=codenames,
        renamed={old: f"{r.name}:{action}" for r in resources for old, action in r.renamed_from.items()},
        roles=grants,
        all_powerful=frozenset(r.name for r in ROLES if any(EVERYTHING in m.GRANTS.get(r.name, ()) for m in modules)),
        aliases={alias: codename for resource in resources for alias, codename in _aliases(resource)},
    )


def _modules() -> list[ModuleType]:
    # Without that of the REST framework, which has a module of this name too.
    return [module for module in submodules("permissions") if hasattr(module, "RESOURCES")]


def _granted(role: DefaultRole, modules: list[ModuleType], codenames: Mapping[str, str]) -> frozenset[str]:
    granted = {codename for module in modules for codename in module.GRANTS.get(role.name, ())}
    if EVERYTHING in granted:
        return frozenset(codenames)
    if unknown := granted - codenames.keys():
        raise ImproperlyConfigured(f"{role.name} is granted undeclared permissions: {', '.join(sorted(unknown))}")
    return frozenset(granted)


def _aliases(resource: Resource) -> list[tuple[str, str]]:
    return [
        (f"{app}.{verb}_{model.lower()}", f"{resource.name}:{action}")
        for app, _, model in (name.partition(".") for name in resource.models)
        for verb, action in MODEL_ACTIONS.items()
        if action in resource.actions
    ] + [(alias, f"{resource.name}:{action}") for alias, action in resource.aliases.items()]
