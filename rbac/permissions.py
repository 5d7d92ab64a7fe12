"""Permissions of this app, default roles, and the classes with which every app declares its permissions.

The `permissions.py` of an app has two values: RESOURCES, its resources with their actions, and GRANTS, the codenames of
each default role. `manage.py migrate` and `manage.py sync_permissions` synchronise the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYTHING = "*"  # in GRANTS: every permission, also those that staff add later


@dataclass(frozen=True)
class Resource:
    """A resource, its actions with their descriptions, and the models whose admin they give access to (`app.Model`).

    Django's own permissions `view`, `add`, `change` and `delete` on a model are aliases of `read`, `create`, `update`
    and `delete`. aliases: others, as {`app.verb_model`: action}. renamed_from: {old codename: action}.
    """

    name: str
    actions: Mapping[str, str]
    models: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    renamed_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def codenames(self) -> dict[str, str]:
        """Map each `resource:action` to its description."""
        return {f"{self.name}:{action}": sentence for action, sentence in self.actions.items()}


@dataclass(frozen=True)
class DefaultRole:
    """A role that is created in every installation. renamed_from: its former name."""

    name: str
    description: str
    requires_2fa: bool = False
    renamed_from: str = ""


ADMINISTRATOR = "Administrator"
FLEET_MANAGER = "Fleet manager"
DISPATCHER = "Dispatcher"
DRIVER = "Driver"
KITCHEN = "Kitchen"
SUPPORT = "Support"
AUDITOR = "Auditor"

ROLES = (
    DefaultRole(ADMINISTRATOR, "Runs the whole system: people, roles, messages."),
    DefaultRole(FLEET_MANAGER, "Leads a fleet: sees its people, gives them roles, writes to them."),
    DefaultRole(DISPATCHER, "Sends vehicles out: sees people and messages, writes to them."),
    DefaultRole(DRIVER, "Drives a food truck: works with their own account alone."),
    DefaultRole(KITCHEN, "Cooks: works with their own account alone."),
    DefaultRole(SUPPORT, "Helps people in: finds, corrects, locks and unlocks accounts, sees what was sent."),
    DefaultRole(AUDITOR, "Reads everything and changes nothing."),
)

RESOURCES = (
    Resource(
        "roles",
        {
            "read": "See roles and who holds them",
            "create": "Make roles",
            "update": "Change what a role may do",
            "delete": "Delete roles that nobody holds",
            "assign": "Give roles to users and take them away",
        },
        models=("rbac.Role", "auth.Group"),
        aliases={
            "rbac.view_roleassignment": "read",
            "rbac.add_roleassignment": "assign",
            "rbac.view_rolerevision": "read",
        },
    ),
    Resource(
        "permissions",
        {
            "read": "See the permissions that there are",
            "create": "Add permissions",
            "delete": "Delete permissions that no code declares",
        },
        models=("auth.Permission",),
    ),
    Resource(
        "scopes",
        {
            "read": "See scopes and who belongs to them",
            "create": "Add scopes",
            "update": "Change scopes, add and remove their members",
            "delete": "Delete scopes that nothing uses",
        },
        models=("rbac.Scope",),
        aliases={
            "rbac.view_scopemembership": "read",
            "rbac.add_scopemembership": "update",
            "rbac.delete_scopemembership": "update",
        },
    ),
    Resource("access", {"check": "Check and explain what another user may do"}),
)

GRANTS = {
    ADMINISTRATOR: (EVERYTHING,),
    FLEET_MANAGER: ("roles:read", "roles:assign", "scopes:read", "access:check"),
    SUPPORT: ("roles:read", "scopes:read", "access:check"),
    AUDITOR: ("roles:read", "permissions:read", "scopes:read", "access:check"),
}
