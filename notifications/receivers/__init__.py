"""Signal receivers, which queue messages. Importing this package registers all of them."""

from notifications.receivers import (
    account,
    checks,
    dispatch,
    login,
    mfa,
    passwords,
    personal_data,
    templates,
    webhooks,
)

__all__ = ["account", "checks", "dispatch", "login", "mfa", "passwords", "personal_data", "templates", "webhooks"]
