"""What access itself declares, and the form in which every app declares its own.

An app's `permissions.py` holds two values: RESOURCES, what can be done to its things, and GRANTS, which default roles
get which of it. `manage.py migrate` and `manage.py sync_permissions` bring the database in line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYTHING = "*"  # as a grant: every permission that there is, also those that people add later


@dataclass(frozen=True)
class Resource:
    """A kind of thing, the actions on it with a sentence each, and the model whose admin they open (`app.Model`).

    Django's own `view`, `add`, `change` and `delete` of `model` are answered from `read`, `create`, `update` and
    `delete`; what else opens in the admin stands in aliases, {`app.verb_model`: action}. renamed_from: {old label:
    action}, for labels that have another name now.
    """

    name: str
    actions: Mapping[str, str]
    models: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    renamed_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """`resource:action` with its sentence."""
        return {f"{self.name}:{action}": sentence for action, sentence in self.actions.items()}


@dataclass(frozen=True)
class DefaultRole:
    """A role that every installation begins with. renamed_from: what it was called before."""

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
    Resource("access", {"check": "Ask what another user may do, and why"}),
)

GRANTS = {
    ADMINISTRATOR: (EVERYTHING,),
    FLEET_MANAGER: ("roles:read", "roles:assign", "access:check"),
    SUPPORT: ("roles:read", "access:check"),
    AUDITOR: ("roles:read", "permissions:read", "access:check"),
}
