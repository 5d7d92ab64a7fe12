"""Permissions of accounts, and the default roles that get them."""

from rbac.permissions import AUDITOR, DISPATCHER, FLEET_MANAGER, SUPPORT, Resource

RESOURCES = (
    Resource(
        "users",
        {
            "read": "See users",
            "create": "Add and invite users",
            "update": "Change users",
            "delete": "Delete users",
            "lock": "Lock and unlock users",
            "reset_2fa": "Request and approve resets of two-factor authentication",
            "view_as": "Look at the product as another user, without changing anything",
        },
        models=("accounts.User",),
    ),
    Resource(
        "sessions",
        {"read": "See the sessions of all users", "end": "End sessions of other users"},
        models=("accounts.Session",),
    ),
    Resource(
        "service_accounts",
        {
            "read": "See service accounts and their API keys",
            "create": "Create service accounts",
            "update": "Change service accounts, create and revoke their API keys",
            "delete": "Delete service accounts",
        },
        models=("accounts.ServiceAccount", "accounts.ApiKey"),
    ),
    Resource("tokens", {"introspect": "Check the tokens of all users, as another service"}),
    Resource("events", {"read": "See the security events of all users"}, models=("accounts.SecurityEvent",)),
)

GRANTS = {
    FLEET_MANAGER: ("users:read",),
    DISPATCHER: ("users:read",),
    SUPPORT: (
        "users:read",
        "users:update",
        "users:lock",
        "users:reset_2fa",
        "sessions:read",
        "sessions:end",
        "events:read",
    ),
    AUDITOR: ("users:read", "events:read", "service_accounts:read"),
}
